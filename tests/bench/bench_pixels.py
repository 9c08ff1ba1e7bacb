"""The detector of burned-in text: what it finds, what it takes for text, what it costs, all counted.

Text is drawn in fonts that it was not trained on, on pictures of seeds that it did not see; slices without text are
those of the scans of LUCIDRAY_DATA, of which it saw other patients' (lab/text_detector.py says which). Where
LUCIDRAY_TEXT_PEER names the ONNX file of PP-OCRv3's text detector (text_detection_en_ppocrv3_2023may.onnx of the
OpenCV model zoo), that runs on the same pictures with the post-processing that its users give it.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from rich.console import Console
from rich.table import Table
from scipy.ndimage import find_objects, label
from tests.bench.table import BUILD

from lucidray.deidentify.dicomfile import quietly
from lucidray.deidentify.frames import Frames
from lucidray.deidentify.pixels import MARGIN, SMALLEST_AREA, SURE, is_written
from lucidray.deidentify.source import Source
from lucidray.deidentify.textmap import Box, Found, find_text
from lucidray.phantom import backdrop
from lucidray.phantom.lettering import burn

DATA = Path(os.environ.get("LUCIDRAY_DATA", "../shared/data"))
FONTS = Path("/usr/share/fonts/truetype")
HELD_OUT = ("liberation", "hack")
SEED, PICTURES, SHAPE, HEIGHTS = 4711, 40, (384, 512), (10, 48)
SMALLEST_SLICE = 128  # pixels a side
COVERED = 0.9  # of a line's box, blanked: then nobody reads it
RECALL_GOAL, FALSE_GOAL = 0.98, 0.01
Detector = Callable[[npt.NDArray[Any]], list[Found]]


@dataclass(frozen=True)
class Share:
    """A count of a total, with its 95 % Wilson interval."""

    figure: str
    count: int
    total: int
    low: float
    high: float
    peer: int | None = None


def share(figure: str, count: int, total: int, peer: int | None = None) -> Share:
    """With its interval (Wilson 1927)."""
    z, p = 1.96, count / total
    centre, spread = p + z * z / (2 * total), z * (p * (1 - p) / total + z * z / (4 * total * total)) ** 0.5
    scale = 1 + z * z / total
    return Share(figure, count, total, max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale), peer)


def covered(detect: Detector, picture: npt.NDArray[Any], boxes: Sequence[Box]) -> int:
    """Number of lines of which blanking would cover all but a tenth."""
    mask = np.zeros(picture.shape, bool)
    for found in detect(picture):
        top, left, bottom, right = found.box
        mask[max(0, top - MARGIN) : bottom + MARGIN, max(0, left - MARGIN) : right + MARGIN] = True
    return sum(bool(mask[top:bottom, left:right].mean() >= COVERED) for top, left, bottom, right in boxes)


def recall(peer: Detector | None) -> Iterator[Share]:
    """Lines found, by kind of picture."""
    fonts = [None, *sorted(path for path in FONTS.rglob("*.tt[cf]") if any(word in str(path) for word in HELD_OUT))]
    rng = np.random.default_rng(SEED)
    for name, kind in backdrop.KINDS.items():
        total = ours = theirs = 0
        for _ in range(PICTURES):
            picture, lines = burn(kind(rng, SHAPE), rng, fonts, 6, HEIGHTS)
            boxes = [line.box for line in lines]
            total += len(boxes)
            ours += covered(find_text, picture, boxes)
            theirs += covered(peer, picture, boxes) if peer else 0
        yield share(f"lines found: {name}", ours, total, theirs if peer else None)


def slices() -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Up to 25 slices of every real series, with folder and modality."""
    for folder in sorted({path.parent for path in DATA.rglob("*.dcm")}):
        paths = sorted(folder.glob("*.dcm"))
        for path in paths[:: max(1, len(paths) // 25)]:
            try:
                source = Source.of(path.read_bytes())
                header = source.header()
                if str(header.get("Modality")) in ("CT", "MR", "PT") and "PixelData" in header:
                    frames = Frames(source, header)
                    yield (
                        f"{folder.relative_to(DATA).parts[0]} {header.Modality}",
                        frames.pictures(frames.count // 2)[0],
                    )
            except Exception:  # noqa: S112  malformed on purpose, some of them
                continue


def false_alarms(peer: Detector | None) -> Iterator[Share]:
    """Slices of scanners taken for written on: by the map alone, and by the policy that keeps series back."""
    counts: dict[str, list[int]] = {}
    written = kept_back_written = 0
    rng = np.random.default_rng(SEED)
    for name, picture in slices():
        marked = with_text(picture, rng)
        if marked is not None:
            written += 1
            kept_back_written += any(is_written(marked, each) for each in find_text(marked))
        found = find_text(picture)
        count = counts.setdefault(name, [0, 0, 0, 0])
        count[0] += 1
        count[1] += any(is_written(picture, each) for each in found)
        count[2] += any(each.certainty >= SURE and _area(each.box) >= SMALLEST_AREA for each in found)
        count[3] += any(_area(each.box) >= SMALLEST_AREA for each in peer(picture)) if peer else 0
    for name, (total, kept_back, _, _) in sorted(counts.items()):
        yield share(f"kept back without text: {name}", kept_back, total)
    if counts:
        yield share("kept back with two lines of text burned in", kept_back_written, written)
        total, kept_back, map_alone, theirs = (sum(column) for column in zip(*counts.values(), strict=True))
        yield share("kept back without text: all slices", kept_back, total)
        yield share("the same, by the map alone", map_alone, total, theirs if peer else None)


def with_text(picture: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[Any] | None:
    """A slice with text in it, of 12 bits as scanners have them; None for small crops, on which nobody writes."""
    low, high = float(picture.min()), float(picture.max())
    if high <= low or min(picture.shape) < SMALLEST_SLICE:
        return None
    marked, lines = burn(((picture - low) / (high - low)).astype(np.float32), rng, [None], 2, HEIGHTS)
    return (marked * 4095).astype(np.int16) if lines else None


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def peer_detector(path: Path) -> Detector:
    """PP-OCRv3's detector: threshold 0.3, boxes grown by twice their area over their perimeter (Liao 2020)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options)

    def detect(picture: npt.NDArray[Any]) -> list[Found]:
        low, high = float(picture.min()), float(picture.max())
        grey = (picture.astype(np.float32) - low) * 255 / ((high - low) or 1)
        rows, columns = grey.shape
        grey = np.pad(grey, ((0, -rows % 32), (0, -columns % 32)))
        colour = (grey[None] - np.array([122.68, 116.67, 104.0], np.float32)[:, None, None]) / 255
        text = session.run(None, {session.get_inputs()[0].name: colour[None].astype(np.float32)})[0]
        found = []
        for place in find_objects(label(text[:rows, :columns] > 0.3)[0]):
            height, width = (each.stop - each.start for each in place)
            grown = round(2.0 * height * width / (2 * (height + width)))
            top, left = max(0, place[0].start - grown), max(0, place[1].start - grown)
            found.append(Found((top, left, place[0].stop + grown, place[1].stop + grown), 1.0))
        return found

    return detect


def cost(detect: Detector) -> float:
    """CPU milliseconds for a picture of 512 x 512."""
    picture = backdrop.tomogram(np.random.default_rng(1), (512, 512))
    detect(picture)
    started = time.process_time()
    for _ in range(10):
        detect(picture)
    return (time.process_time() - started) * 100


def main() -> None:
    """Count, print, write build/bench/pixels.json; 1 when a goal is clearly missed."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    named = os.environ.get("LUCIDRAY_TEXT_PEER")
    peer = peer_detector(Path(named)) if named else None
    with quietly():
        found, alarms = list(recall(peer)), list(false_alarms(peer))
    table = Table("figure", "count", "of", "share (95 % interval)", "PP-OCRv3, same pictures", title="burned-in text")
    for row in found + alarms:
        percent = f"{100 * row.count / row.total:.1f} % ({100 * row.low:.1f} to {100 * row.high:.1f})"
        table.add_row(row.figure, str(row.count), str(row.total), percent, "" if row.peer is None else str(row.peer))
    milliseconds = {"ours": cost(find_text)} | ({"PP-OCRv3": cost(peer)} if peer else {})
    Console(width=120).print(table)
    print(" ".join(f"{name}: {value:.0f} ms CPU a 512 x 512 picture;" for name, value in milliseconds.items()))
    if not alarms:
        print("no false alarms counted: needs LUCIDRAY_DATA")
    if not peer:
        print("peer left out: needs LUCIDRAY_TEXT_PEER")
    BUILD.mkdir(parents=True, exist_ok=True)
    content = {"rows": [asdict(row) for row in found + alarms], "milliseconds": milliseconds}
    (BUILD / "pixels.json").write_text(json.dumps(content, indent=2))
    ultrasound = found[0]
    missed = ultrasound.high < RECALL_GOAL or any(
        row.low > FALSE_GOAL for row in alarms if row.figure.endswith("all slices")
    )
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
