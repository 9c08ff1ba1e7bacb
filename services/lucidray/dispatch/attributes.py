"""What dispatch remembers of an object's header: what selection and its checks need.

Whatever only has to be compared (patient id, birth date, sex) is kept as a keyed digest.
"""

import io
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from lucidray.core.errors import Permanent
from lucidray.core.identity import SiteKey

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
        dataset = dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=tags, force=False)
        return header_of(dataset, key)
    except Exception as error:  # pydicom lets many classes escape, with values in their texts
        raise Permanent(
            "stored object", f"it does not read as DICOM ({type(error).__name__})", "send it again from the PACS"
        ) from None


def header_of(dataset: Dataset, key: SiteKey) -> dict[str, Any]:
    """The remembered attributes of a dataset."""
    header: dict[str, Any] = {name: _plain(dataset.get(name)) for name in SELECTABLE}
    header["series_key"] = key.series(str(dataset.SeriesInstanceUID))
    header["ROINames"] = [str(roi.get("ROIName", "")) for roi in dataset.get(_STRUCTURE_SET) or []]
    for name in COMPARED:
        value = str(dataset.get(name) or "").strip()
        header[name] = key.opaque(name, value) if value else ""
    header["patient_key"] = key.patient(
        str(dataset.get("PatientID") or ""), str(dataset.get("IssuerOfPatientID") or "")
    )
    header["own"] = header["Manufacturer"] == OWN_MANUFACTURER
    return header


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, MultiValue | list):
        return [str(each) for each in value]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return str(value)
