"""What identifies the patient of an object, and who saw them: in the spellings in which another text may tell it."""

import unicodedata
from functools import lru_cache

from pydicom._dicom_dict import DicomDictionary
from pydicom.tag import Tag

from lucidray.deidentify.text import folded

NAMES = frozenset(tag for tag, (vr, *_) in DicomDictionary.items() if vr == "PN")
SEQUENCE_TAGS = frozenset(tag for tag, (vr, *_) in DicomDictionary.items() if vr == "SQ")
NUMBERS = frozenset(
    int(Tag(keyword))
    for keyword in (
        "AccessionNumber",
        "PatientID",
        "PatientBirthDate",
        "OtherPatientIDs",
        "AdmissionID",
        "ServiceEpisodeID",
        "StudyID",
        "PlacerOrderNumberImagingServiceRequest",
        "FillerOrderNumberImagingServiceRequest",
    )
)
TELEPHONES = frozenset(
    int(Tag(keyword))
    for keyword in ("PatientTelephoneNumbers", "PersonTelephoneNumbers", "ReferringPhysicianTelephoneNumbers")
)
_LEAST = 2  # characters: one alone tells nobody, and is a kernel or a counter
_LEAST_BARE = 4  # of a spelling that loses letters
_SUBSCRIBER = 7  # digits of a telephone number that all ways of dialling share
_REMEMBERED = 256  # values: the objects of a study say the same
_PARTS = str.maketrans("^=\\", "   ")
_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h", "ŋ": "n", "ŧ": "t"}
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def spellings(text: str) -> frozenset[str]:
    """Of a word, folded: Müller is MULLER and MUELLER, Mueller also MULLER, Sørbæk SORBAEK, SOERBAEK and SORBAK."""
    small = unicodedata.normalize("NFC", text).casefold()
    plain, written_out = (folded(each.translate(_LETTERS)) for each in (small, small.translate(_UMLAUTS)))
    bare = plain
    for pair in ("AE", "OE", "UE"):
        bare = bare.replace(pair, pair[0])
    return frozenset({plain, written_out, bare} if len(bare) >= _LEAST_BARE else {plain, written_out})


@lru_cache(maxsize=_REMEMBERED)
def of_name(value: str) -> frozenset[str]:
    """Of names (VR PN): every part of them, and family and given name as one."""
    found: set[str] = set()
    for name in value.replace("=", "\\").split("\\"):
        components = name.split("^")
        family, given = (*components, "")[:2]
        words = [word for component in components for word in component.split()]
        for word in (*words, family + given, given + family):
            found |= spellings(word)
    return _long_enough(found)


@lru_cache(maxsize=_REMEMBERED)
def of_number(value: str) -> frozenset[str]:
    """Of identifiers and dates: each, and its parts."""
    ones = value.split("\\")
    parts = value.translate(_PARTS).split()
    return _long_enough(set().union(*map(spellings, (*ones, *parts))))


def of_telephone(value: str) -> frozenset[str]:
    """Of telephone numbers: each, and what is the same however it is dialled."""
    wholes = set(map(folded, value.split("\\")))
    return _long_enough(wholes | {whole[-_SUBSCRIBER:] for whole in wholes})


def _long_enough(found: set[str]) -> frozenset[str]:
    return frozenset(each for each in found if len(each) >= _LEAST)
