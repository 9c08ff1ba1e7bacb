"""Where a picture may show text: the map of a small network, as boxes.

The network (text_detector.onnx, made by lab/text_detector.py) finds where something looks like writing; it reads
nothing.
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation, find_objects, label

from lucidray.serving.engine import Engine, OnnxRuntimeEngine
from lucidray.serving.settings import ServingSettings

MODEL = Path(__file__).with_name("text_detector.onnx")
Box = tuple[int, int, int, int]  # top, left, bottom, right, pixels; the last two exclusive

PROBABLE = 0.3  # of the map: from here on it may be text
SMALLEST_SIDE = 40  # of a picture, pixels: less has no room for a line that names anybody
_CLIPPED = (0.1, 99.9)  # percentiles that become 0 and 1: a few metal voxels must not hide a dim text
_MULTIPLE, _STRIDE = 8, 2  # of the network: sides that it takes, picture pixels a map pixel
_COARSEST_SIDE = 192  # pixels: a picture is halved for letters of more than 40 pixels as long as it is larger
_GAP = 2  # map pixels between two words of a line


class Found(NamedTuple):
    """A place that looks like text."""

    box: Box
    certainty: float  # mean of the map in it


def find_text(picture: npt.NDArray[Any]) -> list[Found]:
    """Places of a picture that look like text.

    Parameters
    ----------
    picture
        One value a pixel, (y, x), of any type and range.
    """
    found: list[Found] = []
    if min(picture.shape) < SMALLEST_SIDE:
        return found
    scaled, factor = normalised(picture), 1
    while True:
        found += [_enlarged(each, factor, picture.shape) for each in _components(_text_map(scaled))]
        if min(scaled.shape) < 2 * _COARSEST_SIDE:
            return found
        rows, columns = (side // 2 for side in scaled.shape)
        scaled = scaled[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean((1, 3), dtype=np.float32)
        factor *= 2


def normalised(picture: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Values as the network wants them: 0 to 1 between two percentiles."""
    low, high = (float(each) for each in np.percentile(picture, _CLIPPED))
    if high <= low:
        low, high = float(picture.min()), float(picture.max())
    scaled = (picture.astype(np.float32) - low) / ((high - low) or 1.0)
    return np.asarray(scaled.clip(0, 1), dtype=np.float32)


@cache
def _engine() -> Engine:
    return OnnxRuntimeEngine(MODEL.read_bytes(), ServingSettings(threads=1), "text detector")


def _text_map(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    rows, columns = picture.shape
    padded = np.pad(picture, ((0, -rows % _MULTIPLE), (0, -columns % _MULTIPLE)), mode="edge")
    result = _engine().run({"picture": padded[None, None]})["text"][0, 0]
    return np.asarray(result[: -(-rows // _STRIDE), : -(-columns // _STRIDE)], dtype=np.float32)


def _components(text: npt.NDArray[np.float32]) -> list[Found]:
    """Connected places of the map, in pixels of its picture."""
    sure = text > PROBABLE
    joined, _ = label(binary_dilation(sure, iterations=_GAP))
    found = []
    for number, (rows, columns) in enumerate(find_objects(joined), 1):
        inside = (joined[rows, columns] == number) & sure[rows, columns]
        box = tuple(_STRIDE * side for side in (rows.start, columns.start, rows.stop, columns.stop))
        found.append(Found((box[0], box[1], box[2], box[3]), float(text[rows, columns][inside].mean())))
    return found


def _enlarged(found: Found, factor: int, shape: tuple[int, ...]) -> Found:
    top, left, bottom, right = (factor * side for side in found.box)
    return Found((top, left, min(bottom, shape[0]), min(right, shape[1])), found.certainty)
