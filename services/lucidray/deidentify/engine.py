"""The de-identification engine: an object in, the object without identity out (PS3.15 Annex E).

Recursive, and default deny: an attribute stays because a rule names it and its value passes the
rule's check. It works on the encoded bytes: what stays is copied as it lies, so numbers keep their
bits and pixel data their bytes, and what is taken out is never decoded. Every text that stays is
ASCII: the output needs no character set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydicom.tag import Tag

from lucidray.deidentify import values
from lucidray.deidentify.cleaned import Cleaned, Span
from lucidray.deidentify.codes import standard_meaning
from lucidray.deidentify.content import Content, content_action
from lucidray.deidentify.declaration import code_elements, declaration
from lucidray.deidentify.elements import Charset, decoded, encoded, header, item, padded
from lucidray.deidentify.encapsulated import pixel_parts
from lucidray.deidentify.level import CODE_VALUE, CODING_SCHEME, SEQUENCES, Level
from lucidray.deidentify.ownnumbers import OwnNumbers, is_label
from lucidray.deidentify.private import safe_private
from lucidray.deidentify.profile import TextKind
from lucidray.deidentify.pseudonyms import PatientPseudonym, PseudonymKeys
from lucidray.deidentify.rules import STRINGS, Action, Rule, Rulebook, agreed_vr
from lucidray.deidentify.source import Source
from lucidray.imaging.elements import MAX_DEPTH, Encoding, Malformed
from lucidray.imaging.levels import Element

_SOP_CLASS_UID, _SOP_INSTANCE_UID = int(Tag("SOPClassUID")), int(Tag("SOPInstanceUID"))
_SERIES_INSTANCE_UID = int(Tag("SeriesInstanceUID"))
_CODE_VALUES = frozenset({CODE_VALUE, int(Tag("LongCodeValue")), int(Tag("URNCodeValue"))})
_VALUE_TYPE, _TEXT_VALUE = int(Tag("ValueType")), int(Tag("TextValue"))
_VALUE_TYPES = frozenset(  # PS3.3 C.17.3.2.1
    {"CODE", "COMPOSITE", "CONTAINER", "DATE", "DATETIME", "IMAGE", "NUM", "PNAME"}
    | {"SCOORD", "SCOORD3D", "TABLE", "TCOORD", "TEXT", "TIME", "UIDREF", "WAVEFORM"}
)
_CONCEPT_NAME, _CONCEPT_CODE = int(Tag("ConceptNameCodeSequence")), int(Tag("ConceptCodeSequence"))
_NUMBERS = (int(Tag("ROINumber")), int(Tag("SegmentNumber")))
_ODD_GROUP = 0x00010000

_DUMMY_TEXT = "REMOVED"
_REMEMBERED_BYTES, _REMEMBERED_VALUES = 128, 1 << 16  # of values whose verdict is kept for the next object
_AS_IS = None

Verdict = bytes | None  # what an element becomes (nothing: empty); None: it stays as it lies


@dataclass
class Replaced:
    """What was put in place of what: the way back."""

    uids: dict[str, str] = field(default_factory=dict)  # pseudonymous -> original
    texts: dict[str, str] = field(default_factory=dict)  # pseudonym of a patient or site -> original
    labels: set[str] = field(default_factory=set)  # that texts became which were not understood


class Deidentifier:
    """De-identifies the objects of one patient.

    Parameters
    ----------
    patient
        Whom the objects are about.
    keys
        For UIDs, sites and labels.
    rules
        Of the profile.
    replaced
        Receives every UID and name that was replaced.
    """

    def __init__(self, patient: PatientPseudonym, keys: PseudonymKeys, rules: Rulebook, replaced: Replaced) -> None:
        self._patient, self._keys, self._rules, self._replaced = patient, keys, rules, replaced
        self._known_uids = {original: pseudonym for pseudonym, original in replaced.uids.items()}
        self._own: frozenset[str] = frozenset()  # identifiers of the patient, folded
        self._own_numbers = OwnNumbers.of(self._own)
        self._verdicts: dict[tuple[int, bytes, bytes, Charset, Encoding], Verdict] = {}

    def clean(self, source: Source, *, pixels_cleaned: bool = False) -> Cleaned:
        """The object without identity, in the transfer syntax that it came in.

        `pixels_cleaned` tells that its pixels were looked at and cleaned of text, and is declared.

        Raises
        ------
        Malformed
            It is not a whole object.
        """
        level = Level.of(source, source.elements, source.encoding)
        sop_class, sop_instance = level.text(_SOP_CLASS_UID), level.text(_SOP_INSTANCE_UID)
        if not sop_class or not sop_instance:
            raise Malformed("it does not say which SOP instance it is")
        own = level.identifiers()
        if own != self._own:  # what may stay depends on them
            self._own, self._own_numbers = own, OwnNumbers.of(own)
            self._verdicts.clear()
        parts: list[bytes | Span] = []
        ours = declaration(self._patient, self._rules.profile, source.encoding, pixels_cleaned=pixels_cleaned)
        rest = self._level(level, ours, parts)
        return Cleaned(
            source.data,
            [*parts, bytes(rest)],
            source.transfer_syntax,
            self.uid(sop_class),
            self.uid(sop_instance),
            self.uid(level.text(_SERIES_INSTANCE_UID)),
        )

    def uid(self, original: str) -> str:
        """What a UID becomes."""
        known = self._known_uids.get(original)
        if known is None:
            known = values.mapped_uid(original, self._keys)
            self._known_uids[original] = known
            if known != original:
                self._replaced.uids[known] = original
        return known

    def _level(self, level: Level, put: Mapping[int, bytes], parts: list[bytes | Span] | None = None) -> bytearray:
        """A level without identity; `put` are elements of our own, in the place of those of their tags.

        With `parts`, what is before and in pixel data goes there, and the rest is given back.
        """
        private, creators = self._private(level)
        put = {**put, **creators}
        ours = sorted(put)
        out = bytearray()
        data, rule_of = level.source.data, self._rules.rule
        for element in level.elements:
            while ours and ours[0] <= element.tag:
                out += put[ours.pop(0)]
            if element.tag in put:
                continue
            rule = private.get(element.tag) or rule_of(element.tag)
            if rule.action is Action.REMOVE or (rule.is_image and parts is None):
                continue
            if rule.vr == "SQ":
                out += self._sequence(level, element, rule)
            elif rule.is_image and parts is not None:
                parts += [bytes(out), *pixel_parts(level.source, element)]
                out.clear()
            else:
                verdict = self._verdict(level, element, rule)
                out += data[element.begin : element.after] if verdict is _AS_IS else verdict
        for tag in ours:
            out += put[tag]
        return out

    def _private(self, level: Level) -> tuple[Mapping[int, Rule], Mapping[int, bytes]]:
        """Rules of the private elements that may stay, and the creator elements of their blocks."""
        if "retain_safe_private" not in self._rules.profile.options:
            return {}, {}
        if not any(element.tag & _ODD_GROUP for element in level.elements):
            return {}, {}
        rules, creators = safe_private(level.elements, lambda each: decoded(level.value(each), level.charset))
        encoding = level.source.encoding
        return rules, {tag: encoded(tag, b"LO", padded(name, b"LO"), encoding) for tag, name in creators.items()}

    def _sequence(self, level: Level, element: Element, rule: Rule) -> bytes:
        content = bytearray()
        empty = True
        if rule.action is Action.ITEMS and element.vr in SEQUENCES:
            for elements in level.source.levels.items(element):
                clean = self._item(level.item(element, elements))
                if clean is not None:
                    content += item(clean, level.source.encoding)
                    empty = empty and not clean
        if empty:
            content.clear()
            if element.end > element.start and rule.otherwise is Action.REMOVE:
                return b""
        return header(element.tag, b"SQ", len(content), level.source.encoding) + content

    def _item(self, level: Level) -> bytearray | None:
        """A sequence item; None for a code that is not the standard's."""
        if level.depth > MAX_DEPTH:
            raise Malformed(f"sequences are nested deeper than {MAX_DEPTH}")
        tags = {element.tag for element in level.elements}
        if not _CODE_VALUES.isdisjoint(tags):
            scheme, value = level.text(CODING_SCHEME), level.text(CODE_VALUE)
            meaning = standard_meaning(scheme, value)
            return (
                None
                if meaning is None
                else self._level(level, code_elements(value, scheme, meaning, level.source.encoding))
            )
        return self._content_item(level) if _VALUE_TYPE in tags else self._level(level, {})

    def _content_item(self, level: Level) -> bytearray | None:
        """An item of a report; None if it goes."""
        value_type, name = level.text(_VALUE_TYPE), level.code(_CONCEPT_NAME)
        if value_type not in _VALUE_TYPES:
            return self._level(level, {})
        if value_type != "CONTAINER" and standard_meaning(*name) is None:
            return None
        if value_type == "CODE" and standard_meaning(*level.code(_CONCEPT_CODE)) is None:
            return None
        action = content_action(self._rules.profile, value_type, *name)
        if action is Content.REMOVE:
            return None
        if value_type != "TEXT":
            return self._level(level, {})
        text = padded(self._content_text(action, level.text(_TEXT_VALUE)), b"UT")
        return self._level(level, {_TEXT_VALUE: encoded(_TEXT_VALUE, b"UT", text, level.source.encoding)})

    def _content_text(self, action: Content, text: str) -> str:
        kinds: dict[Content, TextKind] = {Content.DESCRIPTION: "description", Content.DEVICE: "identifier"}
        if action not in kinds:
            return _DUMMY_TEXT
        checked = values.checked_text(
            text, Rule(Action.TEXT, keyword="TextValue", kind=kinds[action]), self._keys, self._own
        )
        self._replaced.labels |= checked.labels
        return checked.text or _DUMMY_TEXT

    def _verdict(self, level: Level, element: Element, rule: Rule) -> Verdict:
        """What an element becomes; remembered for short values, since the objects of a series say mostly the same."""
        value = level.value(element)
        if len(value) > _REMEMBERED_BYTES or rule.kind == "region":
            return self._decide(level, element, rule, value)
        key = element.tag, element.vr, value, level.charset, level.encoding
        try:
            return self._verdicts[key]
        except KeyError:
            if len(self._verdicts) >= _REMEMBERED_VALUES:
                self._verdicts.clear()
            verdict = self._verdicts[key] = self._decide(level, element, rule, value)
            return verdict

    def _decide(self, level: Level, element: Element, rule: Rule, value: bytes) -> Verdict:
        encoding = level.source.encoding
        vr = agreed_vr(element.vr, rule, level.encoding, encoding)
        if vr is None:
            return self._otherwise(element.tag, rule, encoding)
        if vr in STRINGS and not value.strip(b" \0"):
            return encoded(element.tag, vr.encode(), b"", encoding)
        if self._stays(level, rule, vr, value):
            # The two VRs of an ambiguous attribute are told apart by the file, or, if it does not say, by the reader.
            written = element.vr if " or " in vr else vr.encode()
            as_is = level.encoding == encoding and (encoding.implicit or written == element.vr)
            return _AS_IS if as_is else encoded(element.tag, written or b"UN", value, encoding)
        text = self._text(level, rule, value)
        if text is None:
            return self._otherwise(element.tag, rule, encoding)
        code = rule.vr.encode()
        return encoded(element.tag, code, padded(text, code), encoding)

    def _stays(self, level: Level, rule: Rule, vr: str, value: bytes) -> bool:
        if rule.action is Action.TABLE:
            return values.is_lookup_table(value, big_endian=level.encoding.big_endian)
        if rule.action is not Action.KEEP or not values.is_as_declared(vr, value):
            return False
        if self._own_numbers.tells(rule.keyword, vr, value, big_endian=level.encoding.big_endian):
            return False
        return values.is_counted(vr, rule.multiplicity, value) and values.is_plausible(rule.keyword, value)

    def _text(self, level: Level, rule: Rule, value: bytes) -> str | None:
        """The text that replaces a value, or None if nothing of it may stay."""
        if rule.action is Action.UID:
            return "\\".join(self.uid(part) for part in values.parts(value))
        if rule.action is Action.DATE:
            return values.shifted(value, rule.vr, -self._patient.shift_days)
        if rule.action is Action.KEEP and rule.vr == "CS":
            return values.terms(value, positional=rule.keyword in values.POSITIONAL)
        if rule.action is Action.KEEP and rule.vr == "IS" and is_label(rule.keyword):
            return self._keys.number(value.decode("ascii", "replace")) if values.is_as_declared("IS", value) else None
        if rule.keyword == "PatientAge":
            return values.class_of_age(value)
        if rule.action is Action.TEXT:
            return self._checked(decoded(value, level.charset), rule, level)
        return None

    def _checked(self, text: str, rule: Rule, level: Level) -> str | None:
        if rule.kind == "site":
            site = self._keys.site(text)
            if site != text:
                self._replaced.texts[site] = text
            return site
        if rule.kind == "region":
            return values.region(text, next(filter(None, map(level.text, _NUMBERS)), ""), self._own)
        checked = values.checked_text(text, rule, self._keys, self._own)
        self._replaced.labels |= checked.labels
        return checked.text

    def _otherwise(self, tag: int, rule: Rule, encoding: Encoding) -> bytes:
        code = rule.vr.split(" or ")[0].encode()
        if rule.otherwise is Action.EMPTY:
            return encoded(tag, code, b"", encoding)
        dummy = values.dummy(rule.vr) if rule.otherwise is Action.DUMMY else None
        return b"" if dummy is None else encoded(tag, code, dummy, encoding)
