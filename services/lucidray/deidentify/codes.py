"""Coded concepts: a code stays if it is one of the standard's; its meaning is then the standard's, not the sender's."""

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from lucidray.deidentify.table import content_rows

# The former designations of SNOMED codes that scanners still write.
_SNOMED_RETIRED = frozenset({"SRT", "SNM3", "99SDM"})
# Units of CID 85 that pydicom's lists have in another spelling only.
_SUV_UNITS = {
    ("UCUM", "{SUVbw}g/ml"): "Standardized Uptake Value body weight",
    ("UCUM", "{SUVlbm}g/ml"): "Standardized Uptake Value lean body mass",
    ("UCUM", "{SUVbsa}cm2/ml"): "Standardized Uptake Value body surface area",
    ("UCUM", "{SUVibw}g/ml"): "Standardized Uptake Value ideal body weight",
}


def standard_meaning(scheme: str, value: str) -> str | None:
    """CodeMeaning of a code in the context groups of PS3.16 or PS3.15 Table E.3.4-1; None if it is in none."""
    return _meanings().get(current(scheme, value))


def current(scheme: str, value: str) -> tuple[str, str]:
    """Scheme and value of a code today: retired SNOMED codes have a successor."""
    if scheme in _SNOMED_RETIRED:
        return "SCT", _retired().get(value, "")
    return scheme, value


@cache
def _meanings() -> dict[tuple[str, str], str]:
    # Large, and of use only where objects carry codes: imported when the first one comes.
    from pydicom.sr._concepts_dict import concepts

    schemes = cast(Mapping[str, Mapping[str, Mapping[str, tuple[str, Any]]]], concepts)
    names = {(scheme, value): row.name for (scheme, value, _), row in content_rows().items()}
    return (
        names
        | _SUV_UNITS
        | {
            (scheme, value): meaning
            for scheme, keywords in schemes.items()
            for codes in keywords.values()
            for value, (meaning, _) in codes.items()
        }
    )


@cache
def _retired() -> dict[str, str]:
    from pydicom.sr._snomed_dict import mapping

    return mapping["SRT"]
