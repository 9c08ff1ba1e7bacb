"""Read NIfTI-1 files, the form in which research data comes (nifti.nimh.nih.gov/nifti-1)."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.core.errors import Permanent

_HEADER_BYTES = 348
_TYPES = {2: np.uint8, 4: np.int16, 8: np.int32, 16: np.float32, 64: np.float64, 256: np.int8, 512: np.uint16}
# NIfTI's world is RAS, DICOM's is LPS.
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


def read_nifti(path: Path) -> tuple[npt.NDArray[Any], Grid]:
    """A three-dimensional volume: its voxels (z, y, x) and where they are.

    Raises
    ------
    Permanent
        It is no little-endian NIfTI-1 volume with an sform, or its values are scaled.
    """
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    if len(data) < _HEADER_BYTES or int.from_bytes(data[:4], "little") != _HEADER_BYTES:
        raise _unreadable(path, "it is not a little-endian NIfTI-1 file")
    size = [int(part) for part in np.frombuffer(data, "<i2", 8, 40)]
    kind, sform = int(np.frombuffer(data, "<i2", 1, 70)[0]), int(np.frombuffer(data, "<i2", 1, 254)[0])
    offset, slope, intercept = (float(part) for part in np.frombuffer(data, "<f4", 3, 108))
    if kind not in _TYPES or max(size[4:]) > 1 or sform <= 0:
        raise _unreadable(path, "it is not one volume of numbers with an sform")
    if (slope, intercept) not in ((1.0, 0.0), (0.0, 0.0)):  # slope 0 means: not scaled
        raise _unreadable(path, "its values are scaled")
    shape = (size[3], size[2], size[1])
    voxels = np.frombuffer(data, np.dtype(_TYPES[kind]).newbyteorder("<"), int(np.prod(shape)), int(offset))
    rows = np.frombuffer(data, "<f4", 12, 280).reshape(3, 4).astype(np.float64)
    return voxels.reshape(shape), _grid(shape, _RAS_TO_LPS @ rows)


def _grid(shape: tuple[int, int, int], affine: npt.NDArray[np.float64]) -> Grid:
    """Grid of an affine (3, 4) from indices (x, y, z, 1) to LPS."""
    steps = affine[:, :3]
    spacing = np.linalg.norm(steps, axis=0)
    axes = (steps / spacing).T
    return Grid(
        shape=shape,
        spacing=(float(spacing[2]), float(spacing[1]), float(spacing[0])),
        origin=tuple(float(part) for part in affine[:, 3]),
        axes=tuple(tuple(float(part) for part in axes[index]) for index in (2, 1, 0)),
    )


def _unreadable(path: Path, cause: str) -> Permanent:
    return Permanent(f"file {path.name}", cause, "convert it to NIfTI-1, one volume, unscaled, with an sform")
