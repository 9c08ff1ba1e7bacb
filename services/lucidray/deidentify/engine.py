"""The de-identification engine: a dataset in, a dataset without identity out (PS3.15 Annex E).

Recursive, and default deny: an attribute stays because a rule names it and its value passes the
rule's check. Values that stay are not decoded and encoded again, so numbers keep their bits and
pixel data their bytes. Every text that stays is ASCII: the output needs no character set.
"""

from dataclasses import dataclass, field

from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from lucidray.deidentify import values
from lucidray.deidentify.codes import standard_meaning
from lucidray.deidentify.elements import Encoding, padded, raw_element, text_of
from lucidray.deidentify.profile import Profile
from lucidray.deidentify.pseudonyms import PatientPseudonym, PseudonymKeys
from lucidray.deidentify.rules import IMAGE_BYTES, STRINGS, Action, Rule, Rulebook

_CODE_VALUE, _CODING_SCHEME, _CODE_MEANING = Tag("CodeValue"), Tag("CodingSchemeDesignator"), Tag("CodeMeaning")
_CODE_VALUES = (_CODE_VALUE, Tag("LongCodeValue"), Tag("URNCodeValue"))
_NUMBERS = (Tag("ROINumber"), Tag("SegmentNumber"))


@dataclass
class Replaced:
    """What was put in place of what: the way back."""

    uids: dict[str, str] = field(default_factory=dict)  # pseudonymous -> original
    texts: dict[str, str] = field(default_factory=dict)  # pseudonym of a patient or site -> original
    labels: int = 0  # texts that were not understood and became labels


def deidentify(
    dataset: Dataset, patient: PatientPseudonym, keys: PseudonymKeys, rules: Rulebook, replaced: Replaced
) -> Dataset:
    """The dataset without identity, in the encoding in which `dataset` was read.

    Parameters
    ----------
    dataset
        As read from a file, without its file meta information; its elements still raw.
    patient
        Whom the object is about.
    keys
        For UIDs, sites and labels.
    rules
        Of the profile.
    replaced
        Receives every UID and name that was replaced.
    """
    clean = _Cleaner(patient, keys, rules, replaced).clean(dataset, nested=False)
    put = _Writer(clean, Encoding.of(dataset))
    put.text("PatientID", "LO", patient.patient_id)
    put.text("PatientName", "PN", patient.patient_id + "^")
    _declare(clean, put, rules.profile)
    return clean


def _declare(clean: Dataset, put: "_Writer", profile: Profile) -> None:
    """Tell what was done (PS3.3 C.7.1.1, C.7.2.1), and only that."""
    put.text("PatientIdentityRemoved", "CS", "YES")
    put.text("DeidentificationMethod", "LO", f"Lucidray {profile.name} {profile.version}; PS3.15 2026d")
    shifts = "retain_longitudinal_modified_dates" in profile.options
    put.text("LongitudinalTemporalInformationModified", "CS", "MODIFIED" if shifts else "REMOVED")
    items = []
    for value, meaning in profile.codes():
        item = put.encoding.new_dataset()
        put_item = _Writer(item, put.encoding)
        put_item.text("CodeValue", "SH", value)
        put_item.text("CodingSchemeDesignator", "SH", "DCM")
        put_item.text("CodeMeaning", "LO", meaning)
        items.append(item)
    tag = Tag("DeidentificationMethodCodeSequence")
    clean[tag] = DataElement(tag, "SQ", Sequence(items))


class _Writer:
    """Puts ASCII texts into a dataset."""

    def __init__(self, dataset: Dataset, encoding: Encoding) -> None:
        self.dataset, self.encoding = dataset, encoding

    def text(self, keyword: str, vr: str, value: str) -> None:
        tag = Tag(keyword)
        self.dataset[tag] = self.encoding.raw(tag, vr, padded(value, vr))


class _Cleaner:
    """Cleans the datasets of one object."""

    def __init__(self, patient: PatientPseudonym, keys: PseudonymKeys, rules: Rulebook, replaced: Replaced) -> None:
        self._patient, self._keys, self._rules, self._replaced = patient, keys, rules, replaced
        self._known_uids = {original: pseudonym for pseudonym, original in replaced.uids.items()}

    def clean(self, source: Dataset, *, nested: bool = True) -> Dataset:
        """A dataset or an item."""
        encoding = Encoding.of(source)
        out = encoding.new_dataset()
        for tag in source.keys():  # noqa: SIM118 (iterating a Dataset decodes its elements)
            rule = self._rules.rule(tag)
            if rule.action is Action.REMOVE or (nested and rule.keyword in IMAGE_BYTES):
                continue
            if rule.vr == "SQ":
                self._sequence(source, tag, rule, out)
            else:
                self._value(source, tag, rule, out, encoding)
        return out

    def _sequence(self, source: Dataset, tag: BaseTag, rule: Rule, out: Dataset) -> None:
        element = source[tag]  # an element of VR UN becomes a sequence here, if it is one
        items = list(element.value or []) if element.VR == "SQ" else []
        if rule.action is not Action.ITEMS:
            items = []
        elif items:
            items = [clean for clean in map(self._item, items) if clean is not None]
            if not any(len(item) for item in items):
                if rule.otherwise is Action.REMOVE:
                    return
                items = []
        out[tag] = DataElement(tag, "SQ", Sequence(items))

    def _item(self, source: Dataset) -> Dataset | None:
        """A sequence item; None for a code that is not the standard's."""
        if not any(tag in source for tag in _CODE_VALUES):
            return self.clean(source)
        scheme, value = text_of(source, _CODING_SCHEME), text_of(source, _CODE_VALUE)
        meaning = standard_meaning(scheme, value)
        if meaning is None:
            return None
        out = self.clean(source)
        put = _Writer(out, Encoding.of(source))
        put.text("CodeValue", "SH", value)
        put.text("CodingSchemeDesignator", "SH", scheme)
        put.text("CodeMeaning", "LO", meaning.encode("ascii", "replace").decode()[:64])
        return out

    def _value(self, source: Dataset, tag: BaseTag, rule: Rule, out: Dataset, encoding: Encoding) -> None:
        element = raw_element(source, tag, encoding)
        vr = _agreed_vr(element.VR, rule)
        value = element.value or b""
        if vr is None:
            self._otherwise(tag, rule, out, encoding)
        elif not value.strip(b" \0") and vr in STRINGS:
            out[tag] = encoding.raw(tag, vr, b"")
        elif rule.action is Action.BYTES:
            out[tag] = encoding.raw(tag, element.VR, value, element.length)
        elif rule.action is Action.KEEP and values.is_as_declared(vr, value):
            # The two VRs of an ambiguous attribute are told apart by the file, or, if it does not say, by the reader.
            out[tag] = encoding.raw(tag, element.VR if " or " in vr else vr, value)
        else:
            text = self._text(source, tag, rule, value)
            if text is None:
                self._otherwise(tag, rule, out, encoding)
            else:
                out[tag] = encoding.raw(tag, rule.vr, padded(text, rule.vr))

    def _text(self, source: Dataset, tag: BaseTag, rule: Rule, value: bytes) -> str | None:
        """The text that replaces a value, or None if nothing of it may stay."""
        if rule.action is Action.UID:
            return "\\".join(self._uid(part) for part in values.parts(value))
        if rule.action is Action.DATE:
            return values.shifted(value, rule.vr, -self._patient.shift_days)
        if rule.action is Action.KEEP and rule.vr == "CS":
            return values.terms(value, positional=rule.keyword in values.POSITIONAL)
        if rule.action is Action.TEXT:
            return self._checked(text_of(source, tag), rule, source)
        return None

    def _uid(self, original: str) -> str:
        known = self._known_uids.get(original)
        if known is None:
            known = values.mapped_uid(original, self._keys)
            self._known_uids[original] = known
            if known != original:
                self._replaced.uids[known] = original
        return known

    def _checked(self, text: str, rule: Rule, source: Dataset) -> str | None:
        if rule.kind == "site":
            site = self._keys.site(text)
            self._replaced.texts[site] = text
            return site
        if rule.kind == "region":
            numbers = [number for number in (text_of(source, tag) for tag in _NUMBERS) if number]
            return values.region(text, numbers)
        checked = values.checked_text(text, rule, self._keys)
        self._replaced.labels += checked.labels
        return checked.text

    def _otherwise(self, tag: BaseTag, rule: Rule, out: Dataset, encoding: Encoding) -> None:
        if rule.otherwise is Action.EMPTY:
            out[tag] = encoding.raw(tag, rule.vr.split(" or ")[0], b"")
        elif rule.otherwise is Action.DUMMY:
            dummy = values.dummy(rule.vr)
            if dummy is not None:
                out[tag] = encoding.raw(tag, rule.vr, dummy)


def _agreed_vr(file_vr: str | None, rule: Rule) -> str | None:
    """The VR to read a value by: the dictionary's; None if the file says something that does not go with it."""
    if file_vr is None or file_vr in ("UN", rule.vr) or rule.action is Action.BYTES:
        return rule.vr
    if file_vr in rule.vr.split(" or "):
        return file_vr
    return rule.vr if file_vr in STRINGS and rule.vr in STRINGS else None
