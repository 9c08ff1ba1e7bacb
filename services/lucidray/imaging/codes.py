"""Coded concepts of segments, from the tables that pydicom carries (DICOM PS3.16)."""

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from lucidray.contracts.images import Concept


def to_concept(code: Code) -> Concept:
    """A pydicom code as the contract's concept."""
    return Concept(value=code.value, scheme=code.scheme_designator, meaning=code.meaning)


def to_code(concept: Concept) -> Code:
    """The contract's concept as a pydicom code."""
    return Code(concept.value, concept.scheme, concept.meaning)


# CID 7150 Segmentation Property Category
MORPHOLOGICALLY_ABNORMAL_STRUCTURE = to_concept(codes.cid7150.MorphologicallyAbnormalStructure)
ANATOMICAL_STRUCTURE = to_concept(codes.cid7150.AnatomicalStructure)

# CID 7159 Lesion Segmentation Type
NEOPLASM = to_concept(codes.cid7159.Neoplasm)
NEOPLASM_PRIMARY = to_concept(codes.cid7159.NeoplasmPrimary)
LESION = to_concept(codes.cid7159.Lesion)
