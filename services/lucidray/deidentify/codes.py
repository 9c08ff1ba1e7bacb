"""Coded concepts: a code stays if it is one of the standard's; its meaning is then the standard's, not the sender's."""

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

# The former designations of SNOMED codes that scanners still write.
_SNOMED_RETIRED = frozenset({"SRT", "SNM3", "99SDM"})


def standard_meaning(scheme: str, value: str) -> str | None:
    """CodeMeaning of a code in the context groups of PS3.16; None if it is in none of them."""
    if scheme in _SNOMED_RETIRED:
        current = _retired().get(value)
        return None if current is None else _meanings().get(("SCT", current))
    return _meanings().get((scheme, value))


@cache
def _meanings() -> dict[tuple[str, str], str]:
    # Large, and of use only where objects carry codes: imported when the first one comes.
    from pydicom.sr._concepts_dict import concepts

    schemes = cast(Mapping[str, Mapping[str, Mapping[str, tuple[str, Any]]]], concepts)
    return {
        (scheme, value): meaning
        for scheme, keywords in schemes.items()
        for codes in keywords.values()
        for value, (meaning, _) in codes.items()
    }


@cache
def _retired() -> dict[str, str]:
    from pydicom.sr._snomed_dict import mapping

    return mapping["SRT"]
