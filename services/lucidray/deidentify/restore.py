"""The way back for one object: pseudonyms out, the patient's own identity in. Fails closed.

A UID of a result is one of four: known to the vault, and becomes the original; registered by
DICOM; the result's own (its instance, its series, or an attribute that by its meaning names something
new); or unknown, and then nothing leaves.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag, Tag

from lucidray.deidentify import dates, modules
from lucidray.deidentify.pseudonyms import is_standard
from lucidray.deidentify.rules import TEXT
from lucidray.deidentify.vault import VaultRecord

# Attributes whose UIDs are made with the result and name nothing that came with the study.
OWN_BY_MEANING = frozenset(
    Tag(keyword)
    for keyword in (
        "DimensionOrganizationUID",
        "TrackingUID",
        "ObservationUID",
        "InstanceCreatorUID",
        "FiducialUID",
        "PaletteColorLookupTableUID",
        "ConcatenationUID",
    )
)
# Content items (PS3.16): Tracking Unique Identifier, Device Observer UID.
OWN_BY_CONCEPT = frozenset({"112040", "121012"})

# When the result was made: real dates, never shifted.
MADE = frozenset(
    Tag(keyword)
    for keyword in (
        "ContentDate",
        "SeriesDate",
        "InstanceCreationDate",
        "InstanceCoercionDateTime",
        "ContributionDateTime",
        "PresentationCreationDate",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepEndDate",
        "ObservationDateTime",
        "VerificationDateTime",
        "DateTimeOfLastCalibration",
        "DateOfManufacture",
    )
)
_ITEM_UID, _CONCEPT_NAME, _CODE_VALUE = Tag("UID"), Tag("ConceptNameCodeSequence"), Tag("CodeValue")
_UTF8 = "ISO_IR 192"


class UnknownReference(Exception):
    """A UID that is neither known to the vault, nor standard, nor the results' own. Carries the attribute only."""

    def __init__(self, attribute: str) -> None:
        super().__init__(attribute)
        self.attribute = attribute


class Unchecked(UnknownReference):
    """An element of unknown representation: it could hold any UID."""


@dataclass(frozen=True)
class Restorer:
    """Restores the results of one case.

    Parameters
    ----------
    record
        From the vault.
    own
        Instance and series UIDs of all results of the case.
    """

    record: VaultRecord
    own: Collection[str]

    def restore(self, dataset: Dataset) -> Dataset:
        """`dataset`, changed in place, under the patient's own identity.

        Raises
        ------
        UnknownReference
            A UID does not resolve, or a value cannot be checked for UIDs.
        """
        for tag in modules.TAGS:
            if tag in dataset:
                del dataset[tag]
        implicit, little_endian = dataset.original_encoding
        texts: list[str] = []
        self._walk(dataset, texts)
        original = modules.parse(self.record.module_bytes())
        _identify(dataset, original, texts)
        dataset.set_original_encoding(implicit, little_endian, dataset._character_set)
        return dataset

    def _walk(self, dataset: Dataset, texts: list[str]) -> None:
        for tag in list(dataset.keys()):
            vr = _representation(dataset, tag)
            if vr == "UN":
                raise Unchecked(_describe(tag))
            if vr == "SQ":
                for item in dataset[tag].value or ():
                    self._walk(item, texts)
                    if modules.SPECIFIC_CHARACTER_SET in item:
                        del item[modules.SPECIFIC_CHARACTER_SET]
            elif vr == "UI":
                self._uids(dataset, tag)
            elif vr in ("DA", "DT") and tag not in MADE:
                self._date(dataset[tag])
            elif vr in TEXT:
                self._text(dataset[tag], texts)

    def _uids(self, dataset: Dataset, tag: BaseTag) -> None:
        element = dataset[tag]
        if not element.value:
            return
        given = [str(value) for value in _values(element)]
        restored = [self._uid(value, dataset, tag) for value in given]
        if restored != given:
            element.value = restored if len(restored) > 1 else restored[0]

    def _uid(self, value: str, dataset: Dataset, tag: BaseTag) -> str:
        original = self.record.uids.get(value)
        if original is not None:
            return original
        if is_standard(value) or value in self.own or tag in OWN_BY_MEANING or _names_own(dataset, tag):
            return value
        raise UnknownReference(_describe(tag))

    def _date(self, element: DataElement) -> None:
        if not element.value or not self.record.shift_days:
            return
        back = dates.shifted("\\".join(map(str, _values(element))), element.VR, self.record.shift_days)
        if back is not None:
            element.value = back.split("\\") if "\\" in back else back

    def _text(self, element: DataElement, texts: list[str]) -> None:
        if not element.value:
            return
        given = [str(value) for value in _values(element)]
        restored = [self.record.texts.get(value, value) for value in given]
        if restored != given:
            element.value = restored if len(restored) > 1 else restored[0]
        texts.extend(value for value in given if value not in self.record.texts)


def own_uids(datasets: Collection[Dataset]) -> frozenset[str]:
    """Instance and series UIDs of the results."""
    return frozenset(str(dataset.get(keyword, "")) for dataset in datasets for keyword in OWN_KEYWORDS) - {""}


OWN_KEYWORDS = ("SOPInstanceUID", "SeriesInstanceUID")


def _identify(dataset: Dataset, original: Dataset, texts: Collection[str]) -> None:
    """Put the patient and study modules in, verbatim where the result's own texts can be written in their character
    set; else the whole object goes to UTF-8, which has every character of both."""
    charset = original.get("SpecificCharacterSet")
    verbatim = all(_fits(text, charset) for text in texts)
    if verbatim:
        if modules.SPECIFIC_CHARACTER_SET in dataset:
            del dataset[modules.SPECIFIC_CHARACTER_SET]
        if charset is not None:
            dataset[modules.SPECIFIC_CHARACTER_SET] = original[modules.SPECIFIC_CHARACTER_SET]
    else:
        original.decode()
        dataset.SpecificCharacterSet = _UTF8
    for tag in list(original.keys()):
        if tag != modules.SPECIFIC_CHARACTER_SET:
            element = original.get_item(tag)
            sequence = element is not None and element.VR == "SQ"
            dataset[tag] = original[tag] if sequence or not verbatim else element


def _fits(text: str, charset: str | Iterable[str] | None) -> bool:
    """Whether a text can be written in a character set (PS3.3 C.12.1.1.2) for certain."""
    names = [charset or ""] if isinstance(charset, str | None) else [str(name) for name in charset]
    if any(name.endswith("IR 13") for name in names) and set(text) & {"\\", "~"}:
        return False  # JIS X 0201 has a yen sign and an overline in their places
    if text.isascii():
        return True
    if len(names) > 1:
        return False  # with code extensions: by escape sequences, which not every reader understands
    try:
        text.encode(convert_encodings(names)[0])
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _representation(dataset: Dataset, tag: BaseTag) -> str:
    element = dataset.get_item(tag)
    vr = element.VR if element is not None else None
    if vr is None:  # implicit
        vr = dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"
    if isinstance(element, RawDataElement) and vr == "UN" and dictionary_has_tag(tag) and not tag.is_private:
        return str(dataset[tag].VR)
    return str(vr)


def _values(element: DataElement) -> list[object]:
    return list(element.value) if element.VM > 1 else [element.value]


def _names_own(dataset: Dataset, tag: BaseTag) -> bool:
    if tag != _ITEM_UID or _CONCEPT_NAME not in dataset:
        return False
    return any(str(code.get("CodeValue", "")) in OWN_BY_CONCEPT for code in dataset[_CONCEPT_NAME].value or ())


def _describe(tag: BaseTag) -> str:
    return f"({tag.group:04X},{tag.element:04X})"
