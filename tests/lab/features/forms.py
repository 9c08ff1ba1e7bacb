"""One lesion in every form that research keeps it in: DICOM with RTSTRUCT or SEG, NIfTI, NRRD."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom
import nibabel
import nrrd
import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.sr.codedict import codes

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.lab.features.images import read_image
from lucidray.lab.features.rois import Roi, read_rois
from lucidray.phantom import PhantomStudy

SUV = "{SUVbw}g/ml"
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Forms:
    """Image and mask by the name of their form; `volume` and `roi` as read from the DICOM objects."""

    images: dict[str, Path]
    masks: dict[str, Path]
    volume: Volume
    roi: Roi


def write_forms(study: PhantomStudy, folder: Path) -> Forms:
    """The PET of a phantom study and its lesion in all forms."""
    study.write(folder / "dicom")
    image, structures = folder / "dicom" / "PT", folder / "dicom" / "RTSTRUCT"
    volume = read_image(image, "PT", SUV)
    (roi,) = read_rois(structures, "", {"PET": volume})
    nifti, nifti_mask = folder / "PET_image.nii.gz", folder / "PET_mask.nii.gz"
    write_nifti(nifti, volume.voxels, volume.grid)
    write_nifti(nifti_mask, roi.mask.astype(np.uint8), volume.grid)
    nearly_raw, nearly_raw_mask = folder / "PET_image.nrrd", folder / "PET_mask.nrrd"
    write_nrrd(nearly_raw, volume.voxels, volume.grid)
    write_nrrd(nearly_raw_mask, roi.mask.astype(np.uint8), volume.grid)
    seg = folder / "seg.dcm"
    write_seg(seg, roi.mask[..., None], study.of("PT"))
    return Forms(
        {"RTSTRUCT": image, "SEG": image, "NIfTI": nifti, "NRRD": nearly_raw},
        {"RTSTRUCT": structures, "SEG": seg, "NIfTI": nifti_mask, "NRRD": nearly_raw_mask},
        volume,
        roi,
    )


def write_nifti(path: Path, voxels: npt.NDArray[Any], grid: Grid, *, flipped: bool = True) -> None:
    """A NIfTI file; `flipped` as converters write it, with rows from the back of the patient to the front."""
    affine = _LPS_TO_RAS @ grid.affine[:, [2, 1, 0, 3]]
    array = voxels.transpose(2, 1, 0)
    if flipped:
        affine = affine @ np.array([[1, 0, 0, 0], [0, -1, 0, array.shape[1] - 1], [0, 0, 1, 0], [0, 0, 0, 1]])
        array = array[:, ::-1]
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def write_nrrd(path: Path, voxels: npt.NDArray[Any], grid: Grid, **header: Any) -> None:
    """An NRRD file in LPS."""
    affine = grid.affine[:3, [2, 1, 0, 3]]
    space = {"space": "left-posterior-superior", "space directions": affine[:, :3].T, "space origin": affine[:, 3]}
    nrrd.write(str(path), voxels.transpose(2, 1, 0), space | header, index_order="F")


def write_seg(path: Path, masks: npt.NDArray[np.bool_], slices: Sequence[Dataset], **options: Any) -> None:
    """A SEG of the masks (z, y, x, segments) of images in ascending order of z."""
    ordered = sorted(slices, key=lambda one: float(one.ImagePositionPatient[2]))
    descriptions = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=f"lesion {number}",
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Neoplasm,
            algorithm_type="MANUAL",
        )
        for number in range(1, masks.shape[-1] + 1)
    ]
    highdicom.seg.Segmentation(
        source_images=ordered,
        pixel_array=masks.astype(np.uint8),
        segmentation_type=options.pop("segmentation_type", "BINARY"),
        segment_descriptions=descriptions,
        series_instance_uid=highdicom.UID(),
        series_number=9,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="Lucidray",
        manufacturer_model_name="tests",
        software_versions="1",
        device_serial_number="1",
        **options,
    ).save_as(path)
