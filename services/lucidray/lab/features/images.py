"""Images to measure: NIfTI, NRRD or a folder with a DICOM series, as the volumes that the engine takes."""

from pathlib import Path

import numpy as np

from lucidray.contracts.images import Volume, VolumeFacts
from lucidray.core.errors import Permanent
from lucidray.imaging.resample import floating
from lucidray.lab.features.dicom_folder import read_series
from lucidray.lab.features.research_files import is_research_file, read_research_file


def read_image(path: Path, modality: str, unit: str) -> Volume:
    """The volume in a file or a folder.

    Parameters
    ----------
    modality, unit
        What the preset measures. A DICOM series is held to both; NIfTI and NRRD do not say what their
        numbers are, so they are taken to be in this unit.

    Raises
    ------
    Permanent
        It does not exist, does not read, or is another modality or unit.
    """
    thing = f"image {path.name}"
    if not path.exists():
        raise Permanent(thing, "there is no such file or folder", "correct the path")
    if is_research_file(path):
        return _research_volume(path, modality, unit)
    if not path.is_dir():
        raise Permanent(
            thing, "its name is not that of NIfTI or NRRD", "give such a file, or a folder of DICOM objects"
        )
    volume = read_series(path, modality)
    if volume.facts.unit != unit:
        raise Permanent(
            thing, f"its unit is {volume.facts.unit}, the preset wants {unit}", "choose a preset for this image"
        )
    return volume


def _research_volume(path: Path, modality: str, unit: str) -> Volume:
    file = read_research_file(path)
    if len(file.layers) != 1:
        raise Permanent(f"image {path.name}", f"it has {len(file.layers)} layers, not one", "give one volume")
    voxels = file.layers[0]
    facts = VolumeFacts(
        grid=file.grid,
        modality=modality,
        unit=unit,
        study_instance_uid="",
        series_instance_uid="",
        sop_class_uid="",
        sop_instance_uids=[],
    )
    whole = np.can_cast(voxels.dtype, np.int16)  # as the service keeps them: int16 where that loses nothing
    return Volume(np.ascontiguousarray(voxels.astype(np.int16) if whole else floating(voxels)), facts)
