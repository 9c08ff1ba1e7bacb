"""Codes: the standard's, there and back."""

import pytest

from lucidray.contracts.images import Concept
from lucidray.imaging import codes


@pytest.mark.parametrize(
    ("concept", "value"),
    [
        (codes.MORPHOLOGICALLY_ABNORMAL_STRUCTURE, "49755003"),
        (codes.ANATOMICAL_STRUCTURE, "91723000"),
        (codes.NEOPLASM, "108369006"),
        (codes.NEOPLASM_PRIMARY, "372087000"),
        (codes.LESION, "52988006"),
    ],
)
def test_snomed(concept: Concept, value: str) -> None:
    """PS3.16 CID 7150 and CID 7159."""
    assert (concept.value, concept.scheme) == (value, "SCT")


def test_there_and_back() -> None:
    assert codes.to_concept(codes.to_code(codes.NEOPLASM)) == codes.NEOPLASM
