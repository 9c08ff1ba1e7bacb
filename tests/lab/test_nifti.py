"""NIfTI files: axis order, the step from RAS to LPS, scaled values, and what is refused."""

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import to_patient
from lucidray.lab.nifti import read_nifti

AFFINE = np.array([[-2, 0, 0, 10], [0, 0, 3, -20], [0, 5, 0, 30], [0, 0, 0, 1]], np.float64)
VOXELS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def write(path: Path, affine: npt.NDArray[np.float64], unit: str = "mm", kind: str = "<") -> Path:
    image = nibabel.Nifti1Image(VOXELS, affine, nibabel.Nifti1Header(endianness=kind))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("name", ["volume.nii", "volume.nii.gz"])
@pytest.mark.parametrize("kind", ["<", ">"])
def test_voxels_are_where_the_affine_says(tmp_path: Path, name: str, kind: str) -> None:
    voxels, grid = read_nifti(write(tmp_path / name, AFFINE, kind=kind))
    assert voxels.shape == grid.shape == (4, 3, 2)
    for x, y, z in ((0, 0, 0), (1, 2, 3), (1, 0, 2)):
        assert voxels[z, y, x] == VOXELS[x, y, z]
        right, anterior, superior, _ = AFFINE @ [x, y, z, 1]
        place = to_patient(grid, np.array([[z, y, x]], np.float64))[0]
        np.testing.assert_allclose(place, [-right, -anterior, superior], atol=1e-5)


def test_spacing_is_what_was_written_and_not_its_float32(tmp_path: Path) -> None:
    assert read_nifti(write(tmp_path / "pet.nii", np.diag([3.27, 3.27, 4.1, 1])))[1].spacing == (4.1, 3.27, 3.27)


def test_scaled_values_are_read_as_what_they_stand_for(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), AFFINE)
    image.header.set_slope_inter(0.5, -3)
    nibabel.save(image, tmp_path / "scaled.nii")
    raw = bytearray((tmp_path / "scaled.nii").read_bytes())
    stored = np.frombuffer(raw, "<i2", 24, 352)
    voxels, _ = read_nifti(tmp_path / "scaled.nii")
    np.testing.assert_allclose(voxels.T.ravel(order="F"), stored * 0.5 - 3)


@pytest.mark.parametrize(
    ("at", "value", "cause"),
    [
        (slice(70, 72), b"\200\0", "one volume of real numbers"),  # RGB
        (slice(40, 50), np.array([4, 2, 3, 2, 2], "<i2").tobytes(), r"float32 \(2, 3, 2, 2\)"),
        (slice(280, 296), np.array([0, 0, 0, 0], "<f4").tobytes(), "no length"),
    ],
)
def test_what_is_no_volume_is_refused(tmp_path: Path, at: slice, value: bytes, cause: str) -> None:
    path = write(tmp_path / "volume.nii", AFFINE)
    data = bytearray(path.read_bytes())
    data[at] = value
    path.write_bytes(bytes(data))
    with pytest.raises(Permanent, match=cause) as failure:
        read_nifti(path)
    assert failure.value.thing == "file volume.nii"


def test_other_lengths_and_torn_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="not in millimetres"):
        read_nifti(write(tmp_path / "metres.nii", AFFINE, "meter"))
    whole = write(tmp_path / "volume.nii", AFFINE).read_bytes()
    packed = gzip.compress(whole)
    for name, data in (
        ("cut.nii", whole[:-8]),
        ("cut.nii.gz", packed[: len(packed) // 2]),
        ("not.nii.gz", whole),
        ("changed.nii.gz", packed[:-8] + bytes(4) + packed[-4:]),
        ("empty.nii", b""),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Permanent, match=f"file {name}: it does not read"):
            read_nifti(tmp_path / name)


def test_a_changed_bit_is_found_by_the_checksum(tmp_path: Path) -> None:
    """Of a file so large that all voxels are there long before the end."""
    noise = np.random.default_rng(1).normal(size=(40, 40, 40)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(noise, AFFINE), tmp_path / "whole.nii.gz")
    data = bytearray((tmp_path / "whole.nii.gz").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "changed.nii.gz").write_bytes(bytes(data))
    with pytest.raises(Permanent, match="does not read"):
        read_nifti(tmp_path / "changed.nii.gz")


@pytest.mark.parametrize("name", ["second.nii", "second.nii.gz"])
def test_the_second_version_of_the_format_is_read(tmp_path: Path, name: str) -> None:
    nibabel.save(nibabel.Nifti2Image(VOXELS, AFFINE), tmp_path / name)
    np.testing.assert_array_equal(read_nifti(tmp_path / name)[0], VOXELS.transpose(2, 1, 0))


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_file_that_inflates_to_more_than_its_header_says_is_refused(tmp_path: Path, kind: Any) -> None:
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(kind(VOXELS, AFFINE).to_bytes() + bytes(1 << 24)))
    with pytest.raises(Permanent, match="inflates to more than its header says") as failure:
        read_nifti(path)
    assert (failure.value.thing, "get it from its source again" in failure.value.remedy) == ("file bomb.nii.gz", True)


@pytest.mark.parametrize("name", ["vast.nii", "vast.nii.gz"])
def test_a_shape_that_no_memory_holds_is_refused(tmp_path: Path, name: str) -> None:
    header = nibabel.Nifti1Header()
    header.set_data_shape((30000, 30000, 30000))
    header["vox_offset"] = 352
    data = header.binaryblock + bytes(1 << 10)
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(Permanent, match=r"2\.7e\+13 voxels"):
        read_nifti(tmp_path / name)
