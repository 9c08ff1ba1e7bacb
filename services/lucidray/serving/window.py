"""Sliding window: a volume of any size through a network of fixed window."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Shape = tuple[int, int, int]
T = TypeVar("T", bound=np.generic)
Blend = Literal["gaussian", "constant"]


def blend_profile(length: int, blend: Blend, sigma: float) -> Floats:
    """Weights along one axis of a window; the window's weights are the product over its axes.

    Gaussian: exp(-((i - (length - 1) / 2) / (sigma * length))**2 / 2), neither cut off nor clamped.

    Parameters
    ----------
    sigma
        Standard deviation as a share of the window.
    """
    if blend == "constant":
        return np.ones(length, np.float32)
    distance = (np.arange(length) - (length - 1) / 2) / (sigma * length)
    profile: Floats = np.exp(-0.5 * distance**2).astype(np.float32)
    return profile


def window_starts(length: int, patch: int, overlap: float) -> list[int]:
    """First indices of windows along an axis: evenly stepped, the last one flush with the end."""
    step = max(1, int(patch * (1 - overlap)))
    last = max(0, length - patch)
    return [*range(0, last, step), last]


def sliding_window(
    image: Floats,
    network: Callable[[Floats], Floats],
    patch: Shape,
    *,
    overlap: float = 0.5,
    blend: Blend = "gaussian",
    sigma: float = 0.125,
    padding: float = 0.0,
    channels: int = 1,
    where: npt.NDArray[np.bool_] | None = None,
    outside: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> Floats:
    """Weighted mean of a network's outputs over overlapping windows.

    Parameters
    ----------
    image
        Array (channel, z, y, x).
    network
        From (1, channel, *patch) to (1, output channel, *patch).
    patch
        Window (z, y, x), voxels.
    overlap
        Share of a window that its neighbour covers.
    blend, sigma
        See `blend_profile`.
    padding
        Value beyond an image that is smaller than the window; it is centred in it.
    channels
        Output channels of the network.
    where
        Mask (z, y, x): windows without a voxel of it are skipped.
    outside
        Output where no window was run.
    progress
        Called with (windows done, windows in all) after each one.

    Returns
    -------
    array (output channel, z, y, x).
    """
    padded, inner = _pad(image, patch, padding)
    prior = None if where is None else _pad(where[None], patch, False)[0][0]
    shape = padded.shape[1:]
    windows = [window for window in _windows(shape, patch, overlap) if prior is None or prior[window].any()]
    z, y, x = (blend_profile(length, blend, sigma) for length in patch)
    weights = z[:, None, None] * y[:, None] * x
    total = np.zeros((channels, *shape), np.float32)
    norm = np.zeros(shape, np.float32)
    for done, window in enumerate(windows, start=1):
        output = network(np.ascontiguousarray(padded[(slice(None), *window)])[None])[0]
        total[(slice(None), *window)] += output * weights
        norm[window] += weights
        if progress is not None:
            progress(done, len(windows))
    reached = norm > 0
    np.divide(total, norm, out=total, where=reached)
    total[:, ~reached] = outside
    return np.ascontiguousarray(total[(slice(None), *inner)])


def _windows(shape: Sequence[int], patch: Shape, overlap: float) -> Iterator[tuple[slice, ...]]:
    starts = [window_starts(length, size, overlap) for length, size in zip(shape, patch, strict=True)]
    for corner in product(*starts):
        yield tuple(slice(start, start + size) for start, size in zip(corner, patch, strict=True))


def _pad(image: npt.NDArray[T], patch: Shape, value: float) -> tuple[npt.NDArray[T], tuple[slice, ...]]:
    """(channel, z, y, x) at least as large as the window, and where the image is in it."""
    missing = [max(0, size - length) for size, length in zip(patch, image.shape[1:], strict=True)]
    before = [each // 2 for each in missing]
    inner = tuple(slice(start, start + length) for start, length in zip(before, image.shape[1:], strict=True))
    if not any(missing):
        return image, inner
    widths = [(0, 0), *((start, each - start) for start, each in zip(before, missing, strict=True))]
    return np.pad(image, widths, constant_values=value), inner
