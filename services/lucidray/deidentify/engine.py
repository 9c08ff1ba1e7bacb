"""The de-identification engine: an object in, the object without identity out (PS3.15 Annex E).

Recursive, and default deny: an attribute stays because a rule names it and its value passes the
rule's check. It works on the encoded bytes: what stays is copied as it lies, so numbers keep their
bits and pixel data their bytes, and what is taken out is never decoded. Every text that stays is
ASCII: the output needs no character set.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydicom.tag import Tag

from lucidray.deidentify import values
from lucidray.deidentify.cleaned import Cleaned, Span
from lucidray.deidentify.codes import standard_meaning
from lucidray.deidentify.elements import DEFAULT_CHARSET, Charset, charset_of, decoded, encoded, header, item, padded
from lucidray.deidentify.profile import Profile
from lucidray.deidentify.pseudonyms import PatientPseudonym, PseudonymKeys
from lucidray.deidentify.rules import STRINGS, Action, Rule, Rulebook
from lucidray.deidentify.source import Source
from lucidray.imaging.elements import MAX_DEPTH, Encoding, Malformed
from lucidray.imaging.levels import Element

_SPECIFIC_CHARACTER_SET = int(Tag("SpecificCharacterSet"))
_SOP_CLASS_UID, _SOP_INSTANCE_UID = int(Tag("SOPClassUID")), int(Tag("SOPInstanceUID"))
_CODE_VALUE, _CODING_SCHEME = int(Tag("CodeValue")), int(Tag("CodingSchemeDesignator"))
_CODE_MEANING = int(Tag("CodeMeaning"))
_CODE_VALUES = frozenset({_CODE_VALUE, int(Tag("LongCodeValue")), int(Tag("URNCodeValue"))})
_NUMBERS = (int(Tag("ROINumber")), int(Tag("SegmentNumber")))
_SEQUENCES = (b"SQ", b"UN", b"")

_REMEMBERED_BYTES, _REMEMBERED_VALUES = 128, 1 << 16  # of values whose verdict is kept for the next object
_AS_IS = None

Verdict = bytes | None  # what an element becomes (nothing: empty); None: it stays as it lies


@dataclass
class Replaced:
    """What was put in place of what: the way back."""

    uids: dict[str, str] = field(default_factory=dict)  # pseudonymous -> original
    texts: dict[str, str] = field(default_factory=dict)  # pseudonym of a patient or site -> original
    labels: set[str] = field(default_factory=set)  # that texts became which were not understood


class _Level(NamedTuple):
    """The elements of one level of an object, and how they are encoded."""

    source: Source
    elements: Sequence[Element]
    encoding: Encoding
    charset: Charset
    depth: int

    def value(self, element: Element) -> bytes:
        return bytes(self.source.data[element.start : element.end])

    def text(self, *tags: int) -> str:
        """Value of the first of these attributes that is there."""
        for element in self.elements:
            if element.tag in tags:
                return decoded(self.value(element), self.charset)
        return ""


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
        self._verdicts: dict[tuple[int, bytes, bytes, Charset, Encoding], Verdict] = {}

    def clean(self, source: Source) -> Cleaned:
        """The object without identity, in the transfer syntax that it came in.

        Raises
        ------
        Malformed
            It is not a whole object.
        """
        level = _Level(source, source.elements, source.encoding, DEFAULT_CHARSET, 0)
        sop_class, sop_instance = level.text(_SOP_CLASS_UID), level.text(_SOP_INSTANCE_UID)
        if not sop_class or not sop_instance:
            raise Malformed("it does not say which SOP instance it is")
        parts: list[bytes | Span] = []
        rest = self._level(level, _declared(self._patient, self._rules.profile, source.encoding), parts)
        return Cleaned(
            source.data,
            [*parts, bytes(rest)],
            source.transfer_syntax,
            self.uid(sop_class),
            self.uid(sop_instance),
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

    def _level(self, level: _Level, put: Mapping[int, bytes], parts: list[bytes | Span] | None = None) -> bytearray:
        """A level without identity; `put` are elements of our own, in the place of those of their tags.

        With `parts`, what is before and in pixel data goes there, and the rest is given back.
        """
        level = level._replace(elements=_in_order(level.elements), charset=_charset(level))
        ours = sorted(put)
        out = bytearray()
        data, rule_of = level.source.data, self._rules.rule
        for element in level.elements:
            while ours and ours[0] <= element.tag:
                out += put[ours.pop(0)]
            if element.tag in put:
                continue
            rule = rule_of(element.tag)
            if rule.action is Action.REMOVE or (rule.is_image and parts is None):
                continue
            if rule.vr == "SQ":
                out += self._sequence(level, element, rule)
            elif rule.is_image and parts is not None:
                parts += [bytes(out), Span(element.begin, element.after)]
                out.clear()
            else:
                verdict = self._verdict(level, element, rule)
                out += data[element.begin : element.after] if verdict is _AS_IS else verdict
        for tag in ours:
            out += put[tag]
        return out

    def _sequence(self, level: _Level, element: Element, rule: Rule) -> bytes:
        content = bytearray()
        empty = True
        if rule.action is Action.ITEMS and element.vr in _SEQUENCES:
            for elements in level.source.levels.items(element):
                clean = self._item(_Level(level.source, elements, element.encoding, level.charset, level.depth + 1))
                if clean is not None:
                    content += item(clean, level.source.encoding)
                    empty = empty and not clean
        if empty:
            content.clear()
            if element.end > element.start and rule.otherwise is Action.REMOVE:
                return b""
        return header(element.tag, b"SQ", len(content), level.source.encoding) + content

    def _item(self, level: _Level) -> bytearray | None:
        """A sequence item; None for a code that is not the standard's."""
        if level.depth > MAX_DEPTH:
            raise Malformed(f"sequences are nested deeper than {MAX_DEPTH}")
        if _CODE_VALUES.isdisjoint(element.tag for element in level.elements):
            return self._level(level, {})
        scheme, value = level.text(_CODING_SCHEME), level.text(_CODE_VALUE)
        meaning = standard_meaning(scheme, value)
        return None if meaning is None else self._level(level, _code(value, scheme, meaning, level.source.encoding))

    def _verdict(self, level: _Level, element: Element, rule: Rule) -> Verdict:
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

    def _decide(self, level: _Level, element: Element, rule: Rule, value: bytes) -> Verdict:
        encoding = level.source.encoding
        vr = _agreed_vr(element.vr, rule, level.encoding, encoding)
        if vr is None:
            return self._otherwise(element.tag, rule, encoding)
        if vr in STRINGS and not value.strip(b" \0"):
            return encoded(element.tag, vr.encode(), b"", encoding)
        if rule.action is Action.BYTES or (rule.action is Action.KEEP and values.is_as_declared(vr, value)):
            # The two VRs of an ambiguous attribute are told apart by the file, or, if it does not say, by the reader.
            written = element.vr if " or " in vr or rule.action is Action.BYTES else vr.encode()
            as_is = level.encoding == encoding and (encoding.implicit or written == element.vr)
            return _AS_IS if as_is else encoded(element.tag, written or b"UN", value, encoding)
        text = self._text(level, rule, value)
        if text is None:
            return self._otherwise(element.tag, rule, encoding)
        code = rule.vr.encode()
        return encoded(element.tag, code, padded(text, code), encoding)

    def _text(self, level: _Level, rule: Rule, value: bytes) -> str | None:
        """The text that replaces a value, or None if nothing of it may stay."""
        if rule.action is Action.UID:
            return "\\".join(self.uid(part) for part in values.parts(value))
        if rule.action is Action.DATE:
            return values.shifted(value, rule.vr, -self._patient.shift_days)
        if rule.action is Action.KEEP and rule.vr == "CS":
            return values.terms(value, positional=rule.keyword in values.POSITIONAL)
        if rule.action is Action.TEXT:
            return self._checked(decoded(value, level.charset), rule, level)
        return None

    def _checked(self, text: str, rule: Rule, level: _Level) -> str | None:
        if rule.kind == "site":
            site = self._keys.site(text)
            if site != text:
                self._replaced.texts[site] = text
            return site
        if rule.kind == "region":
            return values.region(text, level.text(*_NUMBERS))
        checked = values.checked_text(text, rule, self._keys)
        self._replaced.labels |= checked.labels
        return checked.text

    def _otherwise(self, tag: int, rule: Rule, encoding: Encoding) -> bytes:
        code = rule.vr.split(" or ")[0].encode()
        if rule.otherwise is Action.EMPTY:
            return encoded(tag, code, b"", encoding)
        dummy = values.dummy(rule.vr) if rule.otherwise is Action.DUMMY else None
        return b"" if dummy is None else encoded(tag, code, dummy, encoding)


def _in_order(elements: Sequence[Element]) -> Sequence[Element]:
    """In the order of their tags, as the standard wants them; of two with the same tag, the last."""
    tags = [element.tag for element in elements]
    if all(one < other for one, other in zip(tags, tags[1:], strict=False)):
        return elements
    by_tag = dict(zip(tags, elements, strict=True))
    return [by_tag[tag] for tag in sorted(by_tag)]


def _charset(level: _Level) -> Charset:
    for element in level.elements:
        if element.tag >= _SPECIFIC_CHARACTER_SET:
            return charset_of(level.value(element)) if element.tag == _SPECIFIC_CHARACTER_SET else level.charset
    return level.charset


def _agreed_vr(file_vr: bytes, rule: Rule, encoding: Encoding, written: Encoding) -> str | None:
    """The VR to read a value by: the dictionary's; None if the file says something that does not go with it.

    Numbers whose byte order is not that in which the object is `written` do not go either.
    """
    given = file_vr.decode()
    if not given or given in ("UN", rule.vr) or rule.action is Action.BYTES:
        swapped = written.big_endian and (given == "UN" or not encoding.big_endian)
        return None if swapped and rule.vr not in STRINGS else rule.vr
    if given in rule.vr.split(" or "):
        return given
    return rule.vr if given in STRINGS and rule.vr in STRINGS else None


def _code(value: str, scheme: str, meaning: str, encoding: Encoding) -> dict[int, bytes]:
    """The elements of a code whose meaning is the standard's."""
    ascii_meaning = meaning.encode("ascii", "replace").decode()[:64]
    return {
        _CODE_VALUE: encoded(_CODE_VALUE, b"SH", padded(value, b"SH"), encoding),
        _CODING_SCHEME: encoded(_CODING_SCHEME, b"SH", padded(scheme, b"SH"), encoding),
        _CODE_MEANING: encoded(_CODE_MEANING, b"LO", padded(ascii_meaning, b"LO"), encoding),
    }


def _declared(patient: PatientPseudonym, profile: Profile, encoding: Encoding) -> dict[int, bytes]:
    """Who it is about now, and what was done (PS3.3 C.7.1.1, C.7.2.1): that, and only that."""
    shifts = "retain_longitudinal_modified_dates" in profile.options
    texts: Iterable[tuple[str, bytes, str]] = (
        ("PatientID", b"LO", patient.patient_id),
        ("PatientName", b"PN", patient.patient_id + "^"),
        ("PatientIdentityRemoved", b"CS", "YES"),
        ("DeidentificationMethod", b"LO", f"Lucidray {profile.name} {profile.version}; PS3.15 2026d"),
        ("LongitudinalTemporalInformationModified", b"CS", "MODIFIED" if shifts else "REMOVED"),
    )
    put = {int(Tag(word)): encoded(int(Tag(word)), vr, padded(text, vr), encoding) for word, vr, text in texts}
    codes = b"".join(
        item(b"".join(_code(value, "DCM", meaning, encoding).values()), encoding) for value, meaning in profile.codes()
    )
    method = int(Tag("DeidentificationMethodCodeSequence"))
    put[method] = encoded(method, b"SQ", codes, encoding)
    return put
