"""Values as bytes: are they what their representation says, and what replaces those that are not?"""

import re
import struct
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from pydicom.datadict import dictionary_has_tag

from lucidray.contracts.clinical import OLDEST
from lucidray.deidentify import dates, text
from lucidray.deidentify.profile import TextKind
from lucidray.deidentify.pseudonyms import PseudonymKeys, is_standard
from lucidray.deidentify.rules import NUMBERS, Rule

# Code strings in which the place of a value says what it means.
POSITIONAL = frozenset({"ImageType", "FrameType"})

_NUMBER_CHARACTERS = b"0123456789+-.eE \\\0"
_NUMBER = re.compile(rb"[ \0]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \0]*")
_AGE = re.compile(rb"\d{3}[DWM]|(?:0\d\d|1[0-4]\d)Y")
_MOST_OF = {"PatientWeight": 1000.0, "PatientSize": 3.0}  # kg, m: more than anybody ever had
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
_SPELT = re.compile(rb"[ -~]{6,}\0*")  # two words of 16 bits may be letters by chance, three hardly
_LEAST, _MOST = 1e-20, 1e20  # of what is measured, in any unit
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
    if size is None or len(value) % size or not all(name in NUMBERS for name in vr.split(" or ")):
        return False
    if vr == "AT":
        return _are_attributes(value)
    is_list = len(value) >= 2 * size
    if is_list and _SPELT.fullmatch(value):
        return False
    return not (vr == "FD" or (vr == "FL" and is_list)) or _are_magnitudes(vr, value)


def is_counted(vr: str, multiplicity: str, value: bytes) -> bool:
    """Whether a value holds as many numbers as its attribute has; more would be bytes of anything."""
    if not multiplicity or not value:
        return True
    size = _SIZES.get(vr.split(" or ")[0])
    if size is None and vr not in ("DS", "IS"):
        return True
    count = len(value) // size if size else value.count(b"\\") + 1
    least, _, most = multiplicity.partition("-")
    if not most:
        return count == int(least)
    step = most.removesuffix("n") or "1"
    if most.endswith("n"):
        return count >= int(least) and count % int(step) == 0
    return int(least) <= count <= int(most)


def is_lookup_table(value: bytes, *, big_endian: bool) -> bool:
    """Whether 16-bit words only rise or only fall, as those of a lookup table do and those of a text do not."""
    if len(value) % 2 or len(value) < _LEAST_TABLE:
        return False
    words = struct.unpack(f"{'>' if big_endian else '<'}{len(value) // 2}H", value)
    steps = {(one > other) - (one < other) for one, other in pairwise(words)}
    return not {1, -1} <= steps


def is_plausible(keyword: str, value: bytes) -> bool:
    """Whether a measure of the patient can be one: a larger number is something else, or tells who it is."""
    if keyword == "PatientAge" and _is_of_few(value):
        return False
    most = _MOST_OF.get(keyword)
    try:
        return most is None or 0 <= float(value.strip(b" \0")) <= most
    except ValueError:
        return False


def class_of_age(value: bytes) -> str | None:
    """What stands for an age that few people reach; None for any other value."""
    return "090Y" if is_as_declared("AS", value) and _is_of_few(value) else None


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


def region(name: str, number: str, own: Collection[str]) -> str:
    """A region name; `number` is that by which its item is known, `own` are the patient's identifiers."""
    told = text.tells(name, own, text.vocabulary("regions"))
    return text.cleaned_region("" if told else name, int(number) if number.isdecimal() else 0)


@dataclass(frozen=True)
class Checked:
    """A text that may stay, or None; and the labels that are in it."""

    text: str | None
    labels: frozenset[str] = frozenset()


def checked_text(value: str, rule: Rule, keys: PseudonymKeys, own: Collection[str]) -> Checked:
    """A text by the kind that the profile gives its attribute. What tells one of the patient's `own` identifiers
    does not pass: neither as serial number nor in the numbers of a model."""
    if rule.kind == "description":
        return Checked(text.cleaned_description(value, own)[:64] or None)
    given = [part.strip(" \0") for part in value.split("\\")]
    kept = [part if not part or _passes(part, rule.kind, own) else keys.label(rule.keyword, part) for part in given]
    return Checked("\\".join(kept), frozenset(kept) - frozenset(given))


def _passes(part: str, kind: TextKind, own: Collection[str]) -> bool:
    if kind == "words":
        return text.is_known_words(part) and not text.tells(part, own, text.vocabulary("words"))
    return kind == "identifier" and text.is_identifier(part) and not text.tells(part, own)


def dummy(vr: str) -> bytes | None:
    """A value that stands for a removed one; None where the VR allows none that is harmless."""
    first = vr.split(" or ")[0]
    return bytes(_SIZES[first]) if first in _SIZES else _DUMMIES.get(first)


def _is_of_few(age: bytes) -> bool:
    """Whether an age (VR AS) is above that from which only its class may be told; the other units end below it."""
    years, unit = age.strip(b" \0")[:-1], age.strip(b" \0")[-1:]
    return unit == b"Y" and int(years) > OLDEST


def _are_magnitudes(vr: str, value: bytes) -> bool:
    """Whether floats are of a size that something measured has, in either byte order: few letters give one."""
    count, code = len(value) // _SIZES[vr], {"FD": "d", "FL": "f"}[vr]
    orders = (struct.unpack(f"{order}{count}{code}", value) for order in "<>")
    return any(all(number == 0 or _LEAST < abs(number) < _MOST for number in numbers) for numbers in orders)


def _are_attributes(value: bytes) -> bool:
    """Whether tags are of attributes of the standard, in either byte order."""
    words = (struct.unpack(f"{order}{len(value) // 2}H", value) for order in "<>")
    return any(
        all(dictionary_has_tag(group << 16 | number) for group, number in zip(tags[::2], tags[1::2], strict=True))
        for tags in words
    )


def _are_numbers(value: bytes) -> bool:
    if value.translate(None, _NUMBER_CHARACTERS):
        return False
    if len(value) > _LONG_LIST:
        return True
    return all(not part.strip(b" \0") or _NUMBER.fullmatch(part) for part in value.split(b"\\"))
