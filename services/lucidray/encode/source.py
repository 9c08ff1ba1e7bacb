"""The source series: the objects whose geometry and identity the results share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from lucidray.contracts.images import VolumeFacts
from lucidray.core.errors import Permanent
from lucidray.imaging.dicom import number, numbers, read_object, text

RECOMPUTE = "recompute the volume: `lucidray case retry --from harmonize --recompute`"
MAX_COSINE_ERROR = 1e-3
MAX_SPACING_ERROR = 1e-3  # relative
MAX_POSITION_ERROR = 0.1  # of the spacing: far below a voxel, far above the jitter of scanners
# Type 2 in the Patient and General Study modules (PS3.3 C.7.1.1, C.7.2.1): may be empty, may not be absent.
TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)
SEXES = ("M", "F", "O", "")


@dataclass(frozen=True)
class SourceSeries:
    """Headers of the source images, one per slice of the volume, in its z order, without pixels."""

    slices: Sequence[Dataset]
    facts: VolumeFacts

    @property
    def series_instance_uid(self) -> str:
        """Series that was segmented, pseudonymous."""
        return str(self.slices[0].SeriesInstanceUID)


def read_source(files: Sequence[bytes], facts: VolumeFacts) -> SourceSeries:
    """The slices of a volume among the objects of its series.

    Parameters
    ----------
    files
        DICOM Part 10 files of the series, in any order.
    facts
        Says which objects are the slices, and on what grid.

    Raises
    ------
    Permanent
        An object of the volume is missing or unreadable, or lies elsewhere than the grid says.
    """
    headers = [read_object(data, "source series", pixels=False) for data in files]
    found = {text(header, "SOPInstanceUID"): header for header in headers}
    missing = [uid for uid in facts.sop_instance_uids if uid not in found]
    if missing:
        count = len(facts.sop_instance_uids)
        raise Permanent("source series", f"{len(missing)} of the volume's {count} slices are not in it", RECOMPUTE)
    if len(facts.sop_instance_uids) != facts.grid.shape[0]:
        raise Permanent(
            "source series",
            f"the volume has {facts.grid.shape[0]} slices and names {len(facts.sop_instance_uids)} objects",
            "choose a series of single-frame objects",
        )
    slices = [_completed(found[uid], facts.grid.spacing[0]) for uid in facts.sop_instance_uids]
    for index, header in enumerate(slices):
        faults = _misplaced(header, facts, index)
        if faults:
            raise Permanent("source series", f"slice {index} differs from the volume's grid in {faults}", RECOMPUTE)
    return SourceSeries(slices, facts)


def _completed(header: Dataset, slice_distance: float) -> Dataset:
    for keyword in TYPE_2:
        if keyword not in header:
            setattr(header, keyword, "")
    if text(header, "PatientSex") not in SEXES:
        header.PatientSex = ""
    if not number(header, "SliceThickness"):
        header.SliceThickness = slice_distance  # type 2, but highdicom computes with it
    return header


def _misplaced(header: Dataset, facts: VolumeFacts, index: int) -> str:
    """What about a slice differs from its place in the grid; empty if nothing."""
    grid = facts.grid
    along_z, along_y, along_x = np.array(grid.axes)
    step = grid.spacing[0]
    frame = text(header, "FrameOfReferenceUID")
    expected = {
        "PixelSpacing": (np.array(grid.spacing[1:]), MAX_SPACING_ERROR * min(grid.spacing[1:])),
        "ImageOrientationPatient": (np.concatenate([along_x, along_y]), MAX_COSINE_ERROR),
        "ImagePositionPatient": (np.array(grid.origin) + index * step * along_z, MAX_POSITION_ERROR * step),
    }
    faults = [
        keyword for keyword, (wanted, tolerance) in expected.items() if not _near(header, keyword, wanted, tolerance)
    ]
    if (header.get("Rows"), header.get("Columns")) != grid.shape[1:]:
        faults.append("Rows or Columns")
    if not frame or frame != (grid.frame_of_reference_uid or frame):
        faults.append("FrameOfReferenceUID")
    return ", ".join(faults)


def _near(header: Dataset, keyword: str, wanted: npt.NDArray[np.float64], tolerance: float) -> bool:
    given = numbers(header, keyword, len(wanted))
    return given is not None and bool(np.max(np.abs(np.array(given) - wanted)) <= tolerance)
