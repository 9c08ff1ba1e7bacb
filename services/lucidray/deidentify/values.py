"""Values as bytes: are they what their representation says, and what replaces those that are not?"""

import re
import struct
from dataclasses import dataclass
from itertools import pairwise

from lucidray.deidentify import dates, text
from lucidray.deidentify.pseudonyms import PseudonymKeys, is_standard
from lucidray.deidentify.rules import NUMBERS, Rule

# Code strings in which the place of a value says what it means.
POSITIONAL = frozenset({"ImageType", "FrameType"})

_NUMBER_CHARACTERS = b"0123456789+-.eE \\\0"
_NUMBER = re.compile(rb"[ \0]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \0]*")
_AGE = re.compile(rb"\d{3}[DWMY]")
_SIZES = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
_DUMMIES = {
    "AE": b"REMOVED ",
    "AS": b"000Y",
    "CS": b"REMOVED ",
    "DA": b"19000101",
    "DS": b"0 ",
    "DT": b"19000101000000",
    "IS": b"0 ",
    "LO": b"REMOVED ",
    "LT": b"REMOVED ",
    "PN": b"REMOVED ",
    "SH": b"REMOVED ",
    "ST": b"REMOVED ",
    "TM": b"000000",
    "UC": b"REMOVED ",
    "UR": b"about:blank ",
    "UT": b"REMOVED ",
}
_LEAST_TABLE = 64  # bytes: fewer words could rise by chance
_LONG_LIST = 4096  # characters from which only the alphabet of a list of numbers is checked (contours)


def parts(value: bytes) -> list[str]:
    """The values of a multi-valued string; bytes outside ASCII as U+FFFD and so never equal to anything kept."""
    return [part.strip(" \0") for part in value.decode("ascii", "replace").split("\\")]


def is_as_declared(vr: str, value: bytes) -> bool:
    """Whether a value is a number, age, time or list of defined terms, as its VR says."""
    if vr in ("DS", "IS"):
        return _are_numbers(value)
    if vr == "AS":
        return all(_AGE.fullmatch(part.strip(b" \0")) for part in value.split(b"\\"))
    if vr == "TM":
        return dates.is_time(value.decode("ascii", "replace"))
    if vr == "CS":
        return all(text.is_term(part) for part in parts(value))
    size = _SIZES.get(vr.split(" or ")[0])
    return size is not None and len(value) % size == 0 and all(name in NUMBERS for name in vr.split(" or "))


def is_lookup_table(value: bytes, *, big_endian: bool) -> bool:
    """Whether 16-bit words only rise or only fall, as those of a lookup table do and those of a text do not."""
    if len(value) % 2 or len(value) < _LEAST_TABLE:
        return False
    words = struct.unpack(f"{'>' if big_endian else '<'}{len(value) // 2}H", value)
    steps = {(one > other) - (one < other) for one, other in pairwise(words)}
    return not {1, -1} <= steps


def shifted(value: bytes, vr: str, days: int) -> str | None:
    """A date or date and time some days later; None if it is not one."""
    return dates.shifted(value.decode("ascii", "replace").strip(" \0"), vr, days)


def terms(value: bytes, *, positional: bool) -> str | None:
    """The defined terms among the values of a code string; None if there is none."""
    given = parts(value)
    if positional:
        return "\\".join(part if not part or text.is_term(part) else "OTHER" for part in given)
    return "\\".join(part for part in given if part and text.is_term(part)) or None


def mapped_uid(original: str, keys: PseudonymKeys) -> str:
    """Pseudonym of a UID; a UID that DICOM registers stays."""
    return original if not original or is_standard(original) else keys.uid(original)


def region(name: str, number: str) -> str:
    """A region name; `number` is that by which its item is known."""
    return text.cleaned_region(name, int(number) if number.isdecimal() else 0)


@dataclass(frozen=True)
class Checked:
    """A text that may stay, or None; and the labels that are in it."""

    text: str | None
    labels: frozenset[str] = frozenset()


def checked_text(value: str, rule: Rule, keys: PseudonymKeys) -> Checked:
    """A text by the kind that the profile gives its attribute."""
    if rule.kind == "description":
        return Checked(text.cleaned_description(value)[:64] or None)
    passes = {"words": text.is_known_words, "identifier": text.is_identifier}.get(rule.kind)
    given = [part.strip(" \0") for part in value.split("\\")]
    kept = [part if not part or (passes and passes(part)) else keys.label(rule.keyword, part) for part in given]
    return Checked("\\".join(kept), frozenset(kept) - frozenset(given))


def dummy(vr: str) -> bytes | None:
    """A value that stands for a removed one; None where the VR allows none that is harmless."""
    first = vr.split(" or ")[0]
    return bytes(_SIZES[first]) if first in _SIZES else _DUMMIES.get(first)


def _are_numbers(value: bytes) -> bool:
    if value.translate(None, _NUMBER_CHARACTERS):
        return False
    if len(value) > _LONG_LIST:
        return True
    return all(not part.strip(b" \0") or _NUMBER.fullmatch(part) for part in value.split(b"\\"))
