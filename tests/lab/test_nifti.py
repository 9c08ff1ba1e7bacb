"""NIfTI files: axis order and the step from RAS to LPS."""

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import to_patient
from lucidray.lab.nifti import read_nifti


def nifti(voxels: npt.NDArray[np.float32], affine: npt.NDArray[np.float32]) -> bytearray:
    """A file of voxels (x, y, z) with an affine to RAS."""
    header = bytearray(352)
    header[0:4] = (348).to_bytes(4, "little")
    header[40:56] = np.array([3, *voxels.shape, 1, 1, 1, 1], "<i2").tobytes()
    header[70:72] = np.array([16], "<i2").tobytes()
    header[108:120] = np.array([352, 1, 0], "<f4").tobytes()
    header[254:256] = np.array([1], "<i2").tobytes()
    header[280:328] = affine[:3].astype("<f4").tobytes()
    return header + voxels.astype("<f4").tobytes(order="F")


AFFINE = np.array([[-2, 0, 0, 10], [0, 0, 3, -20], [0, 5, 0, 30], [0, 0, 0, 1]], np.float32)
VOXELS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_voxels_are_where_the_affine_says(tmp_path: Path) -> None:
    path = tmp_path / "volume.nii.gz"
    path.write_bytes(gzip.compress(bytes(nifti(VOXELS, AFFINE))))
    voxels, grid = read_nifti(path)
    assert voxels.shape == grid.shape == (4, 3, 2)
    for x, y, z in ((0, 0, 0), (1, 2, 3), (1, 0, 2)):
        assert voxels[z, y, x] == VOXELS[x, y, z]
        right, anterior, superior, _ = AFFINE @ [x, y, z, 1]
        place = to_patient(grid, np.array([[z, y, x]], np.float64))[0]
        np.testing.assert_allclose(place, [-right, -anterior, superior], atol=1e-5)


@pytest.mark.parametrize(
    ("at", "value", "cause"),
    [
        (slice(0, 4), b"\0\0\1\134", "little-endian"),
        (slice(254, 256), b"\0\0", "sform"),
        (slice(112, 116), np.array([2], "<f4").tobytes(), "scaled"),
        (slice(70, 72), b"\200\0", "numbers"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, at: slice, value: bytes, cause: str) -> None:
    data = nifti(VOXELS, AFFINE)
    data[at] = value
    path = tmp_path / "volume.nii"
    path.write_bytes(bytes(data))
    with pytest.raises(Permanent, match=cause):
        read_nifti(path)
