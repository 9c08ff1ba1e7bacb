"""What dispatch remembers of an object's header: what selection and its checks need.

Whatever only has to be compared (patient id, birth date, sex) is kept as a keyed digest.
"""

import io
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from lucidray.core.errors import Permanent
from lucidray.core.identity import SiteKey
from lucidray.imaging.dicom import tolerant

# Keywords that a workflow's expressions may use; text unless it is a number or a list.
SELECTABLE = (
    "Modality",
    "SOPClassUID",
    "SeriesNumber",
    "SeriesDescription",
    "StudyDescription",
    "ProtocolName",
    "BodyPartExamined",
    "ImageType",
    "Manufacturer",
    "ManufacturerModelName",
    "ConvolutionKernel",
    "SliceThickness",
    "Rows",
    "Columns",
    "Units",
    "SeriesType",
    "AcquisitionDate",
    "StructureSetLabel",
)
COMPARED = ("PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
_STRUCTURE_SET = "StructureSetROISequence"
# Whose patient and which series it is, and what the series is. An object in which one of these is there but
# cannot be read must not drop out of its study unseen; any other attribute that cannot be read counts as missing.
DECISIVE = (*COMPARED, "SeriesInstanceUID", "Modality", "ImageType", _STRUCTURE_SET)

# Results that come back to us from the PACS must not start another run (an export loop).
OWN_MANUFACTURER = "Lucidray"


def read_header(data: bytes, key: SiteKey) -> dict[str, Any]:
    """The remembered attributes of a Part 10 file, as JSON values.

    Raises
    ------
    Permanent
        It does not read as DICOM.
    """
    tags = [*SELECTABLE, *COMPARED, "SeriesInstanceUID", "SOPInstanceUID", _STRUCTURE_SET]
    try:
        with tolerant():
            dataset = dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=tags, force=False)
            return header_of(dataset, key)
    except Exception as error:  # pydicom lets many classes escape, with values in their texts
        raise Permanent(
            "stored object", f"it does not read as DICOM ({type(error).__name__})", "send it again from the PACS"
        ) from None


def header_of(dataset: Dataset, key: SiteKey) -> dict[str, Any]:
    """The remembered attributes of a dataset; `problem` says which of those that decide do not read."""
    unreadable: list[str] = []

    def value(name: str) -> Any:
        try:
            return _plain(dataset.get(name))
        except Exception:  # each attribute on its own: one that is broken says nothing about the others
            unreadable.append(name)
            return ""

    header: dict[str, Any] = {name: value(name) for name in SELECTABLE}
    series = str(value("SeriesInstanceUID"))
    header["series_key"] = key.series(series) if series else ""
    identity = {name: str(value(name)).strip() for name in COMPARED}
    header |= {name: key.opaque(name, text) if text else "" for name, text in identity.items()}
    header["patient_key"] = key.patient(identity["PatientID"], identity["IssuerOfPatientID"])
    try:
        header["ROINames"] = [str(_plain(roi.get("ROIName"))) for roi in dataset.get(_STRUCTURE_SET) or []]
    except Exception:
        unreadable.append(_STRUCTURE_SET)
        header["ROINames"] = []
    header["own"] = header["Manufacturer"] == OWN_MANUFACTURER
    decisive = [name for name in unreadable if name in DECISIVE]
    header["problem"] = f"{', '.join(decisive)} cannot be read" if decisive else ""
    return header


def unreadable_header(error: Permanent) -> dict[str, Any]:
    """What is remembered of an object of which nothing can be read: that it is there, and why it is not read."""
    texts = dict.fromkeys([*SELECTABLE, *COMPARED, "series_key", "patient_key"], "")
    return {**texts, "ROINames": [], "own": False, "problem": error.cause}


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bytes | Sequence):  # of another value representation than the standard gives it
        raise TypeError
    if isinstance(value, MultiValue | list):
        return [str(each) for each in value]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return str(value)
