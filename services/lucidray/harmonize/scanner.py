"""What a series says of the machine and the protocol: the batches of statistical harmonisation."""

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset
from pydicom.datadict import dictionary_VR

from lucidray.contracts.images import VolumeFacts
from lucidray.contracts.scanner import ScannerRecord, scanner_record
from lucidray.imaging.dicom import number, text, value

Attributes = dict[str, str | float | list[float]]

_NUMERIC = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD"})

_ANY = (
    "Manufacturer",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "InstitutionName",
    "SoftwareVersions",
    "ImageType",
    "BodyPartExamined",
    "PatientPosition",
    "ProtocolName",
    "SliceThickness",
    "SpacingBetweenSlices",
    "ReconstructionDiameter",
    "BitsStored",
)
_CT = (
    "KVP",
    "ConvolutionKernel",
    "FilterType",
    "FocalSpots",
    "GantryDetectorTilt",
    "DataCollectionDiameter",
    "ScanOptions",
    "SpiralPitchFactor",
    "TableSpeed",
    "SingleCollimationWidth",
    "TotalCollimationWidth",
    "RevolutionTime",
    "ReconstructionAlgorithm",
    "ContrastBolusAgent",
)
_PT = (
    "Units",
    "SUVType",
    "CorrectedImage",
    "DecayCorrection",
    "ReconstructionMethod",
    "ConvolutionKernel",
    "AttenuationCorrectionMethod",
    "ScatterCorrectionMethod",
    "RandomsCorrectionMethod",
    "CollimatorType",
    "ActualFrameDuration",
)
_MR = (
    "MagneticFieldStrength",
    "EchoTime",
    "RepetitionTime",
    "InversionTime",
    "FlipAngle",
    "EchoTrainLength",
    "NumberOfAverages",
    "PixelBandwidth",
    "ScanningSequence",
    "SequenceVariant",
    "SequenceName",
    "MRAcquisitionType",
    "AcquisitionMatrix",
    "InPlanePhaseEncodingDirection",
    "ReceiveCoilName",
)
_BY_MODALITY = {"CT": _CT, "PT": _PT, "MR": _MR}

# Modulated from slice to slice: the median stands for the series.
_VARYING = ("XRayTubeCurrent", "Exposure", "ExposureTime", "CTDIvol")

# In RadiopharmaceuticalInformationSequence.
_TRACER = ("Radiopharmaceutical", "RadionuclideTotalDose", "RadionuclideHalfLife", "RadionuclidePositronFraction")


def scanner_attributes(slices: Sequence[Dataset], modality: str) -> Attributes:
    """Attributes that are there, by DICOM keyword; numbers in the units of the standard."""
    found: Attributes = {}
    for keyword in (*_ANY, *_BY_MODALITY.get(modality, ())):
        _add(found, slices[0], keyword)
    tracer = value(slices[0], "RadiopharmaceuticalInformationSequence", [])
    for keyword in _TRACER if len(tracer) == 1 else ():
        _add(found, tracer[0], keyword)
    for keyword in _VARYING:
        values = [one for item in slices if (one := number(item, keyword)) is not None]
        if values:
            found[keyword] = float(np.median(values))
    return found


def record_of(facts: VolumeFacts) -> ScannerRecord:
    """The typed record of a series, from the facts of its volume."""
    grid = facts.grid
    return scanner_record(facts.modality, facts.scanner, grid.spacing, (grid.shape[1], grid.shape[2]))


def _add(found: Attributes, dataset: Dataset, keyword: str) -> None:
    if dictionary_VR(keyword) not in _NUMERIC:
        if words := text(dataset, keyword):
            found[keyword] = words
        return
    single = number(dataset, keyword)
    if single is not None:
        found[keyword] = single
        return
    try:
        several = [float(item) for item in value(dataset, keyword, ())]
    except (TypeError, ValueError):
        return
    if several and np.all(np.isfinite(several)):
        found[keyword] = several
