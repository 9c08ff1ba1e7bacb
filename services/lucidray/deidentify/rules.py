"""What happens to an attribute: the table, the options of the profile and default deny in one answer.

Unlisted attributes stay only where their value can be checked: numbers, dates, defined terms,
UIDs and sequences (whose items are treated alike). Text and bytes go, unless named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VM, dictionary_VR
from pydicom.tag import BaseTag

from lucidray.deidentify.profile import Option, Profile, TextKind
from lucidray.deidentify.table import Row, rows_by_tag
from lucidray.imaging.elements import Encoding

NUMBERS = frozenset({"AS", "AT", "DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
TEMPORAL = frozenset({"DA", "DT", "TM"})
TEXT = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
STRINGS = TEXT | TEMPORAL | {"AS", "CS", "DS", "IS", "UI"}

# Bytes that are the image itself. Only in the object itself: a picture in a sequence is an icon or a photo, and nobody
# gated it. Other bytes stay nowhere: colour palettes and offset tables can be done without.
IMAGE_BYTES = frozenset({"PixelData", "FloatPixelData", "DoubleFloatPixelData"})
# A table that turns pixels into values or grey levels, if it is one.
LOOKUP_TABLES = frozenset({"LUTData"})


# Options under which sequences stay, their items cleaned.
_CLEANED_ITEMS: frozenset[Option] = frozenset({"clean_structured_content", "clean_graphics"})


class Action(Enum):
    """What is done with a value that is there."""

    REMOVE = auto()
    EMPTY = auto()
    DUMMY = auto()
    KEEP = auto()  # if it is a number, time or term as its value representation says
    UID = auto()
    DATE = auto()
    ITEMS = auto()
    TEXT = auto()
    BYTES = auto()
    TABLE = auto()  # a lookup table, if it is one


@dataclass(frozen=True)
class Rule:
    """Action on one attribute; `otherwise` where the value does not pass the check."""

    action: Action
    otherwise: Action = Action.REMOVE
    vr: str = ""
    keyword: str = ""
    kind: TextKind = "label"
    multiplicity: str = ""  # of the dictionary (PS3.6); empty: not known

    @cached_property
    def is_image(self) -> bool:
        """Whether the bytes are the image itself, or what its values need."""
        return self.keyword in IMAGE_BYTES


REMOVE = Rule(Action.REMOVE)


class Rulebook:
    """The rules of a profile by tag, made when first asked for."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._table: Mapping[int, Row] = rows_by_tag()
        self._rules: dict[int, Rule] = {}

    def rule(self, tag: int) -> Rule:
        """The rule for an attribute."""
        rule = self._rules.get(tag)
        if rule is None:
            rule = self._make(BaseTag(tag))
            if rule is not REMOVE:  # tags that nobody knows are without end: do not remember them
                self._rules[tag] = rule
        return rule

    def _make(self, tag: BaseTag) -> Rule:
        repeating = tag.group & 0xFF00 in (0x5000, 0x6000)  # curves and overlays
        if tag.is_private or tag.group < 0x0008 or repeating or not dictionary_has_tag(tag):
            return REMOVE
        row, vr, keyword = self._table.get(tag), dictionary_VR(tag), dictionary_keyword(tag)
        otherwise = _basic(row.basic) if row else Action.EMPTY if keyword in self.profile.empty else Action.REMOVE
        if keyword in self.profile.text:
            return Rule(Action.TEXT, otherwise, vr, keyword, self.profile.text[keyword])
        action = self._listed(row, vr, otherwise) if row else self._unlisted(vr, keyword, otherwise)
        return Rule(action, otherwise, vr, keyword, multiplicity=dictionary_VM(tag))

    def _listed(self, row: Row, vr: str, otherwise: Action) -> Action:
        if "U" in row.basic:
            return Action.ITEMS if vr == "SQ" else Action.UID
        if vr == "UI" and otherwise is Action.DUMMY:
            return Action.UID
        if vr in TEMPORAL:  # whatever another option says about it, a date is shifted or goes
            shifted = "retain_longitudinal_modified_dates" in self.profile.options.intersection(row.options)
            return _temporal(vr) if shifted else otherwise
        if any(row.options.get(option) == "K" for option in self.profile.options):
            return _by_representation(vr, otherwise)
        if vr == "SQ" and any(row.options.get(option) == "C" for option in _CLEANED_ITEMS & self.profile.options):
            return Action.ITEMS
        return otherwise

    def _unlisted(self, vr: str, keyword: str, otherwise: Action) -> Action:
        if vr in TEMPORAL:
            return _temporal(vr) if "retain_longitudinal_modified_dates" in self.profile.options else Action.REMOVE
        if keyword in IMAGE_BYTES:
            return Action.BYTES
        if keyword in LOOKUP_TABLES:
            return Action.TABLE
        return _by_representation(vr, otherwise)


def _basic(code: str) -> Action:
    """Action for a code of the Basic Profile. Of several, the one that is allowed whatever the attribute's
    type: a type 1 attribute needs a dummy, a type 2 attribute may be empty."""
    if "D" in code:
        return Action.DUMMY
    if "Z" in code and "U" not in code:
        return Action.EMPTY
    return Action.REMOVE


def _temporal(vr: str) -> Action:
    return Action.KEEP if vr == "TM" else Action.DATE


def _by_representation(vr: str, otherwise: Action) -> Action:
    if vr == "SQ":
        return Action.ITEMS
    if vr == "UI":
        return Action.UID
    if vr == "CS" or all(part in NUMBERS for part in vr.split(" or ")):
        return Action.KEEP
    return otherwise


def agreed_vr(file_vr: bytes, rule: Rule, encoding: Encoding, written: Encoding) -> str | None:
    """The VR to read a value by: the dictionary's; None if the file says something that does not go with it.

    Numbers whose byte order is not that in which the object is `written` do not go either.
    """
    given = file_vr.decode()
    if not given or given in ("UN", rule.vr):
        swapped = written.big_endian and (given == "UN" or not encoding.big_endian)
        return None if swapped and rule.vr not in STRINGS else rule.vr
    if given in rule.vr.split(" or "):
        return given
    return rule.vr if given in STRINGS and rule.vr in STRINGS else None
