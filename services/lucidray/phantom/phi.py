"""Protected health information, planted where it hides, so that a search can prove that none gets through.

Every place gets a string that occurs nowhere else: find one in what the analysis zone wrote, and
you know which place leaked.
"""

import hashlib
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import NamedTuple

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

PRIVATE_GROUP = 0x0029
PRIVATE_CREATOR = "LUCIDRAY PLANTED"

# Attributes that name a person, a place, a device or an order, or that people type text into.
_TOP_LEVEL = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "OtherPatientNames",
    "PatientBirthName",
    "PatientMotherBirthName",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "MilitaryRank",
    "Occupation",
    "PatientComments",
    "AdditionalPatientHistory",
    "AccessionNumber",
    "StudyID",
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "ImageComments",
    "ReferringPhysicianName",
    "PhysiciansOfRecord",
    "PerformingPhysicianName",
    "NameOfPhysiciansReadingStudy",
    "OperatorsName",
    "RequestingPhysician",
    "RequestedProcedureDescription",
    "InstitutionName",
    "InstitutionAddress",
    "InstitutionalDepartmentName",
    "StationName",
    "DeviceSerialNumber",
    "AdmissionID",
)
# Free text that harmonisation keeps for what it should say about the scanner: modality to keyword.
_SCANNER_TEXT = {"CT": "FilterType", "PT": "AttenuationCorrectionMethod"}
_OVERLAY = 0x6000

Token = Callable[[str], str]


class Planted(NamedTuple):
    """The objects with what was planted in them."""

    datasets: list[Dataset]
    tokens: dict[str, str]
    """Where each planted string is, by string."""


def plant_phi(datasets: Sequence[Dataset], seed: int) -> Planted:
    """Plant one string a place into copies of all objects of a study; the same seed plants the same strings.

    PatientID and AccessionNumber are replaced alike in every object, so that the study stays one.
    """
    tokens: dict[str, str] = {}

    def token(place: str) -> str:
        text = f"ZQ{hashlib.sha256(f'{seed}/{place}'.encode()).hexdigest()[:10].upper()}X"
        tokens[text] = place
        return text

    copies = [deepcopy(dataset) for dataset in datasets]
    for dataset in copies:
        for keyword in _TOP_LEVEL:
            text = token(keyword)
            setattr(dataset, keyword, f"{text}^PLANTED" if dictionary_VR(keyword) == "PN" else text)
        if dataset.Modality in _SCANNER_TEXT:
            setattr(dataset, _SCANNER_TEXT[dataset.Modality], token(_SCANNER_TEXT[dataset.Modality]))
        _nest(dataset, token)
        _hide_privately(dataset, token)
        if dataset.Modality == "RTSTRUCT":
            dataset.StructureSetLabel = token("StructureSetLabel")
            dataset.StructureSetROISequence[0].ROIDescription = token("StructureSetROISequence.ROIDescription")
            dataset.RTROIObservationsSequence[0].ROIInterpreter = token("RTROIObservationsSequence.ROIInterpreter")
        else:
            dataset.add_new((_OVERLAY, 0x0022), "LO", token("OverlayDescription"))
            dataset.add_new((_OVERLAY, 0x1500), "LO", token("OverlayLabel"))
        dataset.add_new(0xFFFCFFFC, "OB", token("DataSetTrailingPadding").encode() + b"\0")
    return Planted(copies, tokens)


def _nest(dataset: Dataset, token: Token) -> None:
    other = Dataset()
    other.PatientID, other.TypeOfPatientID = token("OtherPatientIDsSequence.PatientID"), "TEXT"
    dataset.OtherPatientIDsSequence = Items([other])
    step = Dataset()
    step.CodeValue, step.CodingSchemeDesignator = "1", "99PLANTED"
    step.CodeMeaning = token("RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeMeaning")
    request = Dataset()
    request.RequestedProcedureID = token("RequestAttributesSequence.RequestedProcedureID")
    request.ScheduledProcedureStepDescription = token("RequestAttributesSequence.ScheduledProcedureStepDescription")
    request.ScheduledProtocolCodeSequence = Items([step])
    dataset.RequestAttributesSequence = Items([request])
    if "RadiopharmaceuticalInformationSequence" in dataset:
        drug = dataset.RadiopharmaceuticalInformationSequence[0]
        drug.Radiopharmaceutical = token("RadiopharmaceuticalInformationSequence.Radiopharmaceutical")


def _hide_privately(dataset: Dataset, token: Token) -> None:
    block = dataset.private_block(PRIVATE_GROUP, PRIVATE_CREATOR, create=True)
    block.add_new(0x01, "LO", token("private LO"))
    block.add_new(0x02, "UN", token("private UN").encode() + b" ")
    inner = Dataset()
    inner.PatientName = f"{token('private sequence.PatientName')}^PLANTED"
    block.add_new(0x03, "SQ", Items([inner]))
