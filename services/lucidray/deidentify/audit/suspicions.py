"""What is suspicious in a de-identified file even where nobody is known to look for."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from lucidray.deidentify.audit.elements import Element, dataset_bytes, elements, meta_elements
from lucidray.deidentify.audit.folding import is_nobody
from lucidray.imaging.elements import Malformed

_EMPTY_PREAMBLES = (bytes(128), b"")
_TIFF = (b"II*\0", b"MM\0*")  # preamble of a dual-personality file (PS3.10 7.1)
_WORD = re.compile(r"[^\W\d_]{2,}")
_AE_TITLES = {0x00020016: "source", 0x00020017: "sending", 0x00020018: "receiving"}
_PRIVATE_INFORMATION = 0x00020102
_TRAILING_PADDING = 0xFFFCFFFC
# SOP classes that hold documents, waveforms or video, or pixels with text in them, by their root or UID (PS3.4 B.5).
_HOLDS = {
    "1.2.840.10008.5.1.4.1.1.104.": "encapsulated document",
    "1.2.840.10008.5.1.4.1.1.7": "secondary capture",
    "1.2.840.10008.5.1.4.1.1.6.": "ultrasound image",
    "1.2.840.10008.5.1.4.1.1.3.": "ultrasound image",
    "1.2.840.10008.5.1.4.1.1.9.4.": "voice recording",
    "1.2.840.10008.5.1.4.1.1.77.1.": "photograph or video",
    "1.2.840.10008.5.1.4.1.1.88.": "structured report",
}
_LIKELY_EMPTY = {
    "PatientBirthDate": "birth date",
    "PatientAddress": "address",
    "PatientTelephoneNumbers": "telephone number",
    "OtherPatientIDs": "other patient ID",
    "InstitutionAddress": "address of an institution",
    "AccessionNumber": "accession number",
}


class Suspicion(NamedTuple):
    """Something to look at, and where. Never a value."""

    what: str
    place: str


def suspicions(data: bytes) -> list[Suspicion]:
    """What is suspicious in the bytes of one file, each kind once a place."""
    try:
        dataset_bytes(data)
    except Malformed:
        return [Suspicion("not readable as DICOM: searched as bytes only", "file")]
    body = elements(data)
    found = chain(
        _preamble(data),
        _meta(meta_elements(data)),
        _declarations(body),
        chain.from_iterable(_of_element(element) for element in body),
    )
    return list(dict.fromkeys(found))


def _preamble(data: bytes) -> Iterator[Suspicion]:
    preamble = data[:128]
    if preamble not in _EMPTY_PREAMBLES:
        what = "TIFF header in the preamble" if preamble.startswith(_TIFF) else "preamble is not empty"
        yield Suspicion(what, "preamble")


def _meta(found: list[Element]) -> Iterator[Suspicion]:
    for element in found:
        if element.tag in _AE_TITLES and element.value.strip(b" \0"):
            yield Suspicion(f"AE title of the {_AE_TITLES[element.tag]} application", element.path)
        elif element.tag == _PRIVATE_INFORMATION:
            yield Suspicion("private information in the file meta information", element.path)


def _declarations(body: list[Element]) -> Iterator[Suspicion]:
    said = {element.keyword: element.texts[0] if element.texts else "" for element in body if "[" not in element.path}
    if said.get("PatientIdentityRemoved") != "YES":
        yield Suspicion("does not say that identity was removed", "PatientIdentityRemoved")
    elif not said.get("DeidentificationMethod") and not any(
        element.path.startswith("DeidentificationMethodCodeSequence") for element in body
    ):
        yield Suspicion("does not say how it was de-identified", "DeidentificationMethod")
    if said.get("BurnedInAnnotation") == "YES":
        yield Suspicion("has burned-in annotation", "BurnedInAnnotation")
    sop_class = said.get("SOPClassUID", "")
    for root, what in _HOLDS.items():
        if sop_class.startswith(root):
            yield Suspicion(f"is a {what}, which may show or hold identity", "SOPClassUID")


def _of_element(element: Element) -> Iterator[Suspicion]:
    group = element.tag >> 16
    if group % 2:
        yield Suspicion("private attribute", _without_number(element.path))
    elif group & 0xFF00 == 0x6000:
        yield Suspicion("overlay", element.path)
    elif group & 0xFF00 == 0x5000:
        yield Suspicion("curve", element.path)
    elif element.tag == _TRAILING_PADDING and element.value.strip(b"\0"):
        yield Suspicion("padding is not empty", element.path)
    elif not element.keyword and element.tag & 0xFFFF:
        yield Suspicion("attribute that no dictionary knows", _without_number(element.path))
    elif element.vr == "PN" and any(_names_somebody(text) for text in element.texts):
        yield Suspicion("person's name that is not a pseudonym", _without_number(element.path))
    elif element.keyword in _LIKELY_EMPTY and element.value.strip(b" \0"):
        yield Suspicion(_LIKELY_EMPTY[element.keyword], _without_number(element.path))
    elif element.value.startswith(b"%PDF"):
        yield Suspicion("PDF document", element.path)


def _names_somebody(text: str) -> bool:
    """Whether a name is made of words: pseudonyms are codes, with digits in them."""
    return any(_WORD.search(word) and not is_nobody(word) for word in _names(text))


def _names(text: str) -> list[str]:
    parts = re.split(r"[\^=\\,\s]+", text)
    return [part for part in parts if part and not any(letter.isdigit() for letter in part)]


def _without_number(path: str) -> str:
    return re.sub(r"\[\d+\]", "[]", path)
