"""The codes that the results are written in.

Sources: DICOM PS3.16 (context groups named beside each code), the IBSI reference manual for
features, families and aggregation, UCUM for units. What none of them has a code for is coded in
`SCHEME`, the project's own scheme.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from highdicom.sr import CodedConcept
from pydicom.sr._concepts_dict import concepts
from pydicom.sr.codedict import codes

from lucidray.contracts.images import Concept
from lucidray.contracts.results import Feature
from lucidray.core.canonical import digest_bytes

SCHEME = "99LUCIDRAY"
SCHEME_NAME = "Lucidray concepts"
MAX_VALUE = 16  # CodeValue is SH
MAX_MEANING = 64  # CodeMeaning is LO (PS3.5 6.2)

# Concept names of modifiers and text items.
MODALITY = CodedConcept("121139", "DCM", "Modality")
FAMILY = CodedConcept("FEATURE_FAMILY", SCHEME, "Feature family")
AGGREGATION = CodedConcept("AGGREGATION", SCHEME, "Feature aggregation method")
DISCRETISATION = CodedConcept("DISCRETISATION", SCHEME, "Intensity discretisation")
FILTER = CodedConcept("IMAGE_FILTER", SCHEME, "Image filter")
IMAGE_ROLE = CodedConcept("IMAGE_ROLE", SCHEME, "Role of the measured image")
BUNDLE_FAMILY = CodedConcept("MODEL_BUNDLE", SCHEME, "Model bundle")
EXPLANATION = CodedConcept("EXPLANATION", SCHEME, "Explanation of the prediction")
INTENDED_USE = CodedConcept("INTENDED_USE", SCHEME, "Intended use")
LIMITATIONS = CodedConcept("LIMITATIONS", SCHEME, "Limitations")
UNDEFINED = CodedConcept("UNDEFINED", SCHEME, "Features undefined for this region")
EMBEDDING = CodedConcept("EMBEDDING", SCHEME, "Embedding of the region")
QUALITY = CodedConcept("QUALITY", SCHEME, "Quality remark")
QUALITATIVE_EVALUATIONS = CodedConcept("C0034375", "UMLS", "Qualitative Evaluations")  # TID 1500 row 12
# Not 111047, which means the probability of cancer and nothing else.
PROBABILITY = CodedConcept("122157", "DCM", "Probability")
ASSOCIATED_FINDING = CodedConcept("246090004", "SCT", "Associated finding")
VOXEL_VOLUME = CodedConcept("YEKZ", "IBSI", "Volume from Voxel Summation")

_AGGREGATIONS = {
    "BTW3": "2D, averaged",
    "SUJT": "2D, slice-merged",
    "JJUI": "2.5D, direction-merged",
    "ZW7Z": "2.5D, merged",
    "ITBB": "3D, averaged",
    "IAZD": "3D, merged",
    "8QNN": "2D, averaged",
    "62GR": "2.5D, merged",
    "KOBO": "3D",
}
_MODALITIES = {
    "CT": codes.DCM.ComputedTomography,
    "PT": codes.DCM.PositronEmissionTomography,
    "MR": codes.DCM.MagneticResonance,
}
_PROCEDURES = {
    "CT": codes.cid100.CTUnspecifiedBodyRegion,
    "PT": codes.cid100.PETUnspecifiedBodyRegion,
    "MR": codes.cid100.MRIUnspecifiedBodyRegion,
}
_FAMILIES = {
    "HCUG": "Morphological features",
    "9ST6": "Local intensity features",
    "UHIW": "Intensity-based statistical features",
    "ZVCW": "Intensity histogram features",
    "P88C": "Intensity-volume histogram features",
    "LFYI": "Grey level co-occurrence based features",
    "TP0I": "Grey level run length based features",
    "9SAK": "Grey level size zone based features",
    "VMDZ": "Grey level distance zone based features",
    "IPET": "Neighbourhood grey tone difference based features",
    "REK0": "Neighbouring grey level dependence based features",
}


def _meanings(scheme: str) -> dict[str, str]:
    """Meanings by code of a scheme, from the tables of PS3.16 that pydicom carries."""
    entries: Iterable[dict[str, tuple[str, list[int]]]] = cast(Any, concepts)[scheme].values()
    return {code: meaning for entry in entries for code, (meaning, _) in entry.items()}


_IBSI = _meanings("IBSI")
_UNITS = _meanings("UCUM")


def coded(concept: Concept) -> CodedConcept:
    """A concept of a contract as a content item's code."""
    return CodedConcept(concept.value, concept.scheme, concept.meaning[:MAX_MEANING])


def feature_concept(feature: Feature) -> CodedConcept:
    """Name of a measurement: its IBSI code with the meaning of PS3.16, or a code of our own."""
    readable = feature.name.replace("_", " ").capitalize()[:MAX_MEANING]
    if feature.ibsi_code:
        return CodedConcept(feature.ibsi_code, "IBSI", _IBSI.get(feature.ibsi_code, readable))
    return CodedConcept(_short(feature.name), SCHEME, readable)


def unit_concept(unit: str) -> CodedConcept:
    """A UCUM unit; the meaning is the unit itself where PS3.16 has none."""
    return CodedConcept(unit, "UCUM", _UNITS.get(unit, unit)[:MAX_MEANING])


def modality_concept(modality: str) -> CodedConcept:
    """Acquisition modality (CID 29)."""
    known = _MODALITIES.get(modality)
    return CodedConcept.from_code(known) if known else CodedConcept(modality, "DCM", modality)


def procedure_concept(modality: str) -> CodedConcept:
    """Procedure reported (CID 100)."""
    return CodedConcept.from_code(_PROCEDURES.get(modality, codes.cid100.ImagingProcedure))


def feature_modifiers(feature: Feature, modality: str, *, name_role: bool) -> list[tuple[CodedConcept, CodedConcept]]:
    """What tells equally named measurements apart (TID 1419 row 6): image, filter, family, aggregation,
    discretisation.

    Parameters
    ----------
    feature
        The feature.
    modality
        Modality of the image measured.
    name_role
        Whether several images have this modality, so that the role must be named too.
    """
    pairs = [
        (MODALITY, modality_concept(modality) if modality else None),
        (IMAGE_ROLE, own(feature.image_role) if name_role or not modality else None),
        (FILTER, own(feature.filter)),
        (FAMILY, _ibsi(feature.family_code, _FAMILIES) or own(feature.family)),
        (AGGREGATION, _ibsi(feature.aggregation, _AGGREGATIONS)),
        (DISCRETISATION, own(feature.discretisation)),
    ]
    return [(name, value) for name, value in pairs if value is not None]


def own(text: str) -> CodedConcept | None:
    """A value for which no scheme has a code: itself, in our scheme; None if it is empty."""
    return CodedConcept(_short(text), SCHEME, text[:MAX_MEANING]) if text else None


def _short(text: str) -> str:
    """A CodeValue, which is SH. A LongCodeValue is legal instead, but highdicom's reader breaks off at one."""
    return text if len(text) <= MAX_VALUE else "H" + digest_bytes(text.encode())[: MAX_VALUE - 1]


def _ibsi(code: str, meanings: Mapping[str, str]) -> CodedConcept | None:
    return CodedConcept(code, "IBSI", meanings[code]) if code in meanings else own(code)
