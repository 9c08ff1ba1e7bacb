"""Read NIfTI files, the form in which research data comes (nifti.nimh.nih.gov)."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.core.errors import Permanent
from lucidray.lab.bounded import inflated, voxel_count
from lucidray.lab.features.space import grid_of

SUFFIXES = (".nii", ".nii.gz")
_AXES = 3
_NIFTI_2 = 540  # bytes of a header of the second version, which begins with this number
_MOST_EXTENSIONS = 1 << 26  # bytes between header and voxels; DICOM headers that converters keep there take a few MB
_SURPLUS = 1 << 20  # bytes after the last voxel that readers of NIfTI pass over
# NIfTI's world is RAS, DICOM's is LPS.
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


def read_nifti(path: Path) -> tuple[npt.NDArray[Any], Grid]:
    """A three-dimensional volume: its voxels (z, y, x), scaled as the header says, and where they are.

    Raises
    ------
    Permanent
        It does not read, is larger than its header or setting harmonize.voxels says, or is not one volume of real
        numbers in a space of millimetres; or nibabel is not installed.
    """
    try:
        image = _image(path)
        voxels = np.asanyarray(image.dataobj)
    except Permanent:
        raise
    except Exception as error:  # nibabel raises what it likes on broken files
        raise _unreadable(path, f"it does not read ({type(error).__name__})") from None
    if image.header.get_xyzt_units()[0] not in ("mm", "unknown"):
        raise _unreadable(path, "its lengths are not in millimetres")
    while voxels.ndim > _AXES and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim != _AXES or voxels.dtype.kind not in "iufb":
        raise _unreadable(path, f"it is not one volume of real numbers, but {voxels.dtype} {voxels.shape}")
    array = voxels.transpose(2, 1, 0)
    return array, grid_of(_RAS_TO_LPS @ _affine(image), array.shape, f"file {path.name}")


def _image(path: Path) -> Any:
    """Decompressed as a whole: reading no further than the last voxel would leave the checksum unread."""
    try:
        import nibabel
    except ImportError:
        raise Permanent("package nibabel", "it is not installed", "pip install 'lucidray[lab]'") from None
    thing = f"file {path.name}"
    if not path.name.lower().endswith(".gz"):
        image = nibabel.load(path)
        voxel_count(image.shape, thing)
        return image
    with gzip.open(path) as stream:
        head = stream.read(_NIFTI_2)
        second = _NIFTI_2 in (int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big"))
        kind = nibabel.Nifti2Image if second else nibabel.Nifti1Image
        header = kind.header_class(head[: kind.header_class.template_dtype.itemsize])
        size = voxel_count(header.get_data_shape(), thing) * header.get_data_dtype().itemsize
        offset = min(header.get_data_offset(), _MOST_EXTENSIONS)
        stream.seek(0)
        return kind.from_bytes(inflated(stream, offset + size + _SURPLUS, thing))


def _affine(image: Any) -> npt.NDArray[np.float64]:
    """Affine (3, 4) to RAS from indices (x, y, z, 1): 3.27 was written, and not the 3.2699999809 that float32 reads."""
    affine: npt.NDArray[np.float64] = image.affine[:3].astype(np.float64)
    if image.header["srow_x"].dtype == np.float32:
        scale = np.linalg.norm(affine[:, :3], axis=0)
        written = np.array([float(str(np.float32(each))) for each in scale])
        affine[:, :3] *= np.divide(written, scale, out=np.ones(3), where=scale > 0)
    return affine


def _unreadable(path: Path, cause: str) -> Permanent:
    return Permanent(f"file {path.name}", cause, "convert it to one NIfTI volume, lengths in millimetres")
