"""DICOM objects in a folder, in no particular order: the one series or object that is wanted."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import RTStructureSetStorage, SegmentationStorage

from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.harmonize.settings import HarmonizeSettings
from lucidray.harmonize.step import image_slices, make_volume
from lucidray.imaging.dicom import text, tolerant

LABEL_MAP_SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"  # younger than pydicom's dictionary
REGION_CLASSES = frozenset({RTStructureSetStorage, SegmentationStorage, LABEL_MAP_SEGMENTATION_STORAGE})


@dataclass(frozen=True)
class DicomObject:
    """What decides whether an object is wanted."""

    path: Path
    modality: str
    sop_class_uid: str
    series_instance_uid: str


def scan(path: Path) -> list[DicomObject]:
    """The DICOM objects of a file or of a folder and all below it, in the order of their names."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    with tolerant():
        return [found for file in files if (found := _object(file)) is not None]


def read_series(path: Path, modality: str) -> Volume:
    """The volume of the one series of a modality in a folder: HU, SUVbw or the scanner's own units.

    Raises
    ------
    Permanent
        There is none or are several, or the series is not sound.
    """
    thing = f"folder {path.name}"
    series: dict[str, list[Path]] = defaultdict(list)
    for each in scan(path):
        if each.modality == modality:
            series[each.series_instance_uid].append(each.path)
    if len(series) != 1:
        sizes = ", ".join(str(len(paths)) for paths in series.values())
        found = f"not one but {len(series)} series (of {sizes} objects)" if series else "no series"
        raise Permanent(thing, f"it holds {found} of modality {modality}", "name the folder of the one series")
    (paths,) = series.values()
    with tolerant():
        slices = image_slices([each.read_bytes() for each in paths], thing)
        return make_volume(slices, thing, "refuse", HarmonizeSettings.load().voxels)[0]


def find_regions(path: Path) -> DicomObject:
    """The one structure set or segmentation in a folder, or the file itself.

    Raises
    ------
    Permanent
        There is none, or are several.
    """
    found = [each for each in scan(path) if each.sop_class_uid in REGION_CLASSES]
    if len(found) != 1:
        raise Permanent(
            f"mask {path.name}",
            f"it holds {len(found)} RTSTRUCT or SEG objects, not one",
            "name the file of the one object, or a NIfTI or NRRD mask",
        )
    return found[0]


def _object(path: Path) -> DicomObject | None:
    try:
        dataset = dcmread(path, specific_tags=["SOPClassUID", "Modality", "SeriesInstanceUID"], stop_before_pixels=True)
    except (InvalidDicomError, OSError, ValueError, EOFError):
        return None
    return DicomObject(
        path, text(dataset, "Modality"), text(dataset, "SOPClassUID"), text(dataset, "SeriesInstanceUID")
    )
