"""What made an image: the scanner and its protocol, typed, in one spelling whoever built it.

The batches of statistical harmonisation (ComBat) and the strata of drift monitors are values of
this record.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Vendor = Literal[
    "Siemens", "GE", "Philips", "Canon", "United Imaging", "Fujifilm", "Neusoft", "Mediso", "Bruker", "Other", "Unknown"
]
Attributes = Mapping[str, str | float | list[float]]

# Names under which makers, and those whom they bought or sold, write themselves into Manufacturer; the first that
# is a word of it counts. Software that rewrote the object ("SIEMENS / MIM Software") stands behind the maker.
_VENDORS: tuple[tuple[str, Vendor], ...] = (
    (r"SIEMENS|CTI|CPS", "Siemens"),
    (r"GE|GEMS|GENERAL ELECTRIC", "GE"),
    (r"PHILIPS|ADAC|MARCONI|PICKER|ELSCINT", "Philips"),
    (r"CANON|TOSHIBA", "Canon"),
    (r"UIH|UNITED IMAGING", "United Imaging"),
    (r"FUJIFILM|HITACHI", "Fujifilm"),
    (r"NEUSOFT", "Neusoft"),
    (r"MEDISO", "Mediso"),
    (r"BRUKER", "Bruker"),
)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CtProtocol(_Model):
    """How a CT was acquired."""

    kvp: float | None = Field(None, description="Tube voltage, kV")
    tube_current_ma: float | None = Field(None, description="Median over the slices, mA")
    exposure_mas: float | None = Field(None, description="Median over the slices, mAs")
    ctdi_vol_mgy: float | None = Field(None, description="Median over the slices, mGy")
    pitch: float | None = None
    single_collimation_mm: float | None = None
    total_collimation_mm: float | None = None
    revolution_time_s: float | None = None
    filter: str = ""
    contrast_agent: str = ""


class PetProtocol(_Model):
    """How a PET was acquired and corrected."""

    units: str = Field("", description="Units as stored (PS3.3 C.8.9.1.1.3)")
    decay_correction: str = Field("", description="START, ADMIN or NONE")
    corrections: list[str] = Field(default_factory=list, description="CorrectedImage, sorted: ATTN, DECY, SCAT, ...")
    attenuation_correction: str = ""
    scatter_correction: str = ""
    randoms_correction: str = ""
    radiopharmaceutical: str = ""
    injected_dose_bq: float | None = None
    half_life_s: float | None = None
    frame_duration_ms: float | None = None


class MrProtocol(_Model):
    """How an MR was acquired."""

    field_strength_t: float | None = None
    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None
    inversion_time_ms: float | None = None
    flip_angle_deg: float | None = None
    echo_train_length: float | None = None
    averages: float | None = None
    pixel_bandwidth_hz: float | None = None
    scanning_sequence: str = ""
    sequence_variant: str = ""
    sequence_name: str = ""
    acquisition_type: str = Field("", description="2D or 3D")
    receive_coil: str = ""


class ScannerRecord(_Model):
    """One series: who built the scanner, which it is, and what was set. What is not known is empty or None."""

    modality: str = Field(description="DICOM Modality: CT, PT, MR")
    vendor: Vendor = Field(description="Maker, in one spelling")
    manufacturer: str = Field("", description="As written in the object")
    model: str = ""
    software: str = ""
    device: str = Field("", description="Serial number, or its label")
    site: str = Field("", description="Pseudonym of the institution")
    body_part: str = ""
    kernel: str = Field("", description="ConvolutionKernel")
    reconstruction: str = Field("", description="Reconstruction method (PET) or algorithm (CT)")
    spacing_mm: tuple[float, float, float] = Field(description="Distance of voxel centres along (z, y, x)")
    matrix: tuple[int, int] = Field(description="Rows and columns")
    slice_thickness_mm: float | None = None
    reconstruction_diameter_mm: float | None = None
    protocol: CtProtocol | PetProtocol | MrProtocol | None = None

    def batch(self, *fields: str) -> str:
        """Label of the batch that the series falls into by some of its `fields`, e.g. "vendor", "model", "kernel";
        those of the protocol by their own name. Series that agree in them have equal labels."""
        values = [getattr(self, name, None) or getattr(self.protocol, name, None) for name in fields]
        return "|".join("?" if value in (None, "") else _shown(value) for value in values)


def vendor_of(manufacturer: str) -> Vendor:
    """The maker of a scanner, from what its objects say of it."""
    if not manufacturer.strip():
        return "Unknown"
    for names, vendor in _VENDORS:
        if re.search(rf"(?<![A-Z])(?:{names})(?![A-Z])", manufacturer.upper()):
            return vendor
    return "Other"


def scanner_record(
    modality: str, attributes: Attributes, spacing_mm: tuple[float, float, float], matrix: tuple[int, int]
) -> ScannerRecord:
    """The record of a series from its attributes by DICOM keyword, numbers in the units of the standard."""
    manufacturer = _text(attributes, "Manufacturer")
    return ScannerRecord(
        modality=modality,
        vendor=vendor_of(manufacturer),
        manufacturer=manufacturer,
        model=_text(attributes, "ManufacturerModelName"),
        software=_text(attributes, "SoftwareVersions"),
        device=_text(attributes, "DeviceSerialNumber"),
        site=_text(attributes, "InstitutionName"),
        body_part=_text(attributes, "BodyPartExamined"),
        kernel=_text(attributes, "ConvolutionKernel"),
        reconstruction=_text(attributes, "ReconstructionMethod") or _text(attributes, "ReconstructionAlgorithm"),
        spacing_mm=spacing_mm,
        matrix=matrix,
        slice_thickness_mm=_number(attributes, "SliceThickness"),
        reconstruction_diameter_mm=_number(attributes, "ReconstructionDiameter"),
        protocol=_protocol(modality, attributes),
    )


_CT = {
    "kvp": "KVP",
    "tube_current_ma": "XRayTubeCurrent",
    "exposure_mas": "Exposure",
    "ctdi_vol_mgy": "CTDIvol",
    "pitch": "SpiralPitchFactor",
    "single_collimation_mm": "SingleCollimationWidth",
    "total_collimation_mm": "TotalCollimationWidth",
    "revolution_time_s": "RevolutionTime",
    "filter": "FilterType",
    "contrast_agent": "ContrastBolusAgent",
}
_PET = {
    "units": "Units",
    "decay_correction": "DecayCorrection",
    "attenuation_correction": "AttenuationCorrectionMethod",
    "scatter_correction": "ScatterCorrectionMethod",
    "randoms_correction": "RandomsCorrectionMethod",
    "radiopharmaceutical": "Radiopharmaceutical",
    "injected_dose_bq": "RadionuclideTotalDose",
    "half_life_s": "RadionuclideHalfLife",
    "frame_duration_ms": "ActualFrameDuration",
}
_MR = {
    "field_strength_t": "MagneticFieldStrength",
    "echo_time_ms": "EchoTime",
    "repetition_time_ms": "RepetitionTime",
    "inversion_time_ms": "InversionTime",
    "flip_angle_deg": "FlipAngle",
    "echo_train_length": "EchoTrainLength",
    "averages": "NumberOfAverages",
    "pixel_bandwidth_hz": "PixelBandwidth",
    "scanning_sequence": "ScanningSequence",
    "sequence_variant": "SequenceVariant",
    "sequence_name": "SequenceName",
    "acquisition_type": "MRAcquisitionType",
    "receive_coil": "ReceiveCoilName",
}


def _protocol(modality: str, attributes: Attributes) -> CtProtocol | PetProtocol | MrProtocol | None:
    if modality == "CT":
        return CtProtocol(**_values(CtProtocol, _CT, attributes))
    if modality == "PT":
        corrections = sorted(filter(None, _text(attributes, "CorrectedImage").split("\\")))
        return PetProtocol(corrections=corrections, **_values(PetProtocol, _PET, attributes))
    return MrProtocol(**_values(MrProtocol, _MR, attributes)) if modality == "MR" else None


def _values(model: type[_Model], keywords: Mapping[str, str], attributes: Attributes) -> dict[str, Any]:
    return {
        name: _text(attributes, keyword) if model.model_fields[name].annotation is str else _number(attributes, keyword)
        for name, keyword in keywords.items()
    }


def _text(attributes: Attributes, keyword: str) -> str:
    value = attributes.get(keyword, "")
    return value if isinstance(value, str) else ""


def _number(attributes: Attributes, keyword: str) -> float | None:
    """A number; of several (echoes, focal spots), the first."""
    value = attributes.get(keyword)
    if isinstance(value, list):
        return value[0] if value else None
    return value if isinstance(value, float) else None


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "x".join(map(_shown, value))
    return str(value)
