"""Own identifiers of a patient where a number is expected: an ID as AcquisitionNumber, a birth date as TriggerTime."""

import struct
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

_FORMATS = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
_LEAST_DIGITS = 5  # of what identifies: a measure of 1024 tells nobody
_LEAST_OF_LABEL = 4  # the same where a number only labels
_LEAST_IN_DECIMAL = 8  # of what identifies inside a longer decimal: a measure holds five of some digits by chance
_MOST_DIGITS = 20  # of a decimal string that is read: DS has 16 characters, exponents have no end
_NUMBERED = "Number"  # at the end of keywords: SeriesNumber, AcquisitionNumber, ROINumber and those that refer to it


def is_label(keyword: str) -> bool:
    """Whether a number of this attribute measures nothing: another in its place does no harm."""
    return keyword.endswith(_NUMBERED)


@dataclass(frozen=True)
class OwnNumbers:
    """The digits of a patient's identifiers, without leading zeros."""

    digits: frozenset[str]

    @classmethod
    def of(cls, identifiers: Collection[str]) -> "OwnNumbers":
        """The digits of folded identifiers, also of those that have letters too."""
        digits = ("".join(filter(str.isdecimal, each)).lstrip("0") for each in identifiers)
        return cls(frozenset(each for each in digits if len(each) >= _LEAST_OF_LABEL))

    def tells(self, keyword: str, vr: str, value: bytes, *, big_endian: bool) -> bool:
        """Whether a number of an attribute is one of them, or has one in it."""
        if not self.digits:
            return False
        least = _LEAST_OF_LABEL if is_label(keyword) else _LEAST_DIGITS
        own = [each for each in self.digits if len(each) >= least]
        if vr in ("DS", "IS"):
            return self._in_strings(own, vr, value)
        order = ">" if big_endian else "<"
        return any(_in_words(own, order + _FORMATS[each], value) for each in vr.split(" or ") if each in _FORMATS)

    def _in_strings(self, own: Collection[str], vr: str, value: bytes) -> bool:
        if b"e" not in value.lower() and not any(each.encode() in value for each in own):
            return False  # nearly always, and quick
        least = _LEAST_DIGITS if vr == "IS" else _LEAST_IN_DECIMAL
        wholes = {_whole(part) for part in value.decode("ascii", "replace").split("\\")}
        inside = [each for each in own if len(each) >= least]
        return not wholes.isdisjoint(own) or any(each in whole for whole in wholes for each in inside)


def _whole(part: str) -> str:
    """The digits of a whole number; empty if it is none."""
    with suppress(ArithmeticError):
        number = Decimal(part.strip(" \0"))
        if number.is_finite() and number.adjusted() < _MOST_DIGITS and number == number.to_integral_value():
            return str(abs(int(number)))
    return ""


def _in_words(own: Collection[str], pattern: str, value: bytes) -> bool:
    size = struct.calcsize(pattern)
    words = {value[at : at + size] for at in range(0, len(value), size)}
    return any(_packed(pattern, sign * int(each)) in words for each in own for sign in (1, -1))


def _packed(pattern: str, number: int) -> bytes:
    try:
        return struct.pack(pattern, number)
    except (struct.error, OverflowError):  # it does not fit in: no such word
        return b""
