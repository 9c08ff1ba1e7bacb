"""Checks of text values: what describes an examination passes, what could name a person does not."""

import re
from functools import cache
from importlib.resources import files

import yaml

_PRINTABLE = re.compile(r"[ -~]*")
_SEPARATORS = re.compile(r"[\s,;:/()\[\]_=*+~|'\"<>{}-]+")
_DATE_LIKE = re.compile(
    r"(?:19|20)\d\d[-./_ ]?(?:0[1-9]|1[0-2])[-./_ ]?(?:0[1-9]|[12]\d|3[01])|\d\d?[-./_ ]\d\d?[-./_ ](?:19|20)\d\d"
)
_MAX_DIGITS = 8  # in a whole value: record numbers and telephone numbers have more
_CODE = re.compile(r"(?=.*\d)(?!.*[A-Za-z]{4})(?!(?:.*\d){6})[A-Za-z0-9.]{1,10}")  # e.g. B30f, 07MW18.4
_DECIMAL = re.compile(r"\d{1,4}\.\d{1,6}")
_IDENTIFIER = re.compile(r"[A-Za-z]{0,8}[-_]?\d{1,8}[A-Za-z]?")  # e.g. 141322, AWP141322, CT01
_QUANTITY = re.compile(
    r"\d{1,2}(?:\.\d{1,2})?|\d{1,3}(?:\.\d{1,2})?(?:mm|cm|s|sec|min|h|kv|mas|mci|mbq|%)", re.IGNORECASE
)
_REGION = re.compile(r"[A-Za-z0-9 _.,+()/-]{1,64}")
_WORD_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@cache
def vocabulary(name: str) -> frozenset[str]:
    """A list of tables/vocabulary.yaml, in upper case."""
    source = files(__package__) / "tables" / "vocabulary.yaml"
    lists = yaml.safe_load(source.read_text(encoding="utf-8"))
    return frozenset(lists[name].upper().split())


def is_term(value: str) -> bool:
    """Whether a value of VR CS is a defined term of the standard."""
    return value.strip(" \0").upper().replace(" ", "_") in vocabulary("terms")


def is_known_words(value: str) -> bool:
    """Whether a value consists of known words, decimal numbers and short codes."""
    if not _PRINTABLE.fullmatch(value) or _DATE_LIKE.search(value):
        return False
    if sum(character.isdigit() for character in value) > _MAX_DIGITS:
        return False
    return all(_is_known_word(token.rstrip(".")) for token in _SEPARATORS.split(value))


def is_identifier(value: str) -> bool:
    """Whether a value is letters and a number, as serial numbers and station names are."""
    return _IDENTIFIER.fullmatch(value) is not None


def cleaned_description(value: str) -> str:
    """The known words and small quantities of a description."""
    known = vocabulary("descriptions")
    tokens = re.split(r"[^A-Za-z0-9.%]+", value)
    return " ".join(token for token in tokens if token.upper() in known or _QUANTITY.fullmatch(token))


def cleaned_region(value: str, number: int) -> str:
    """A region name if it consists of known words and small numbers, else ``ROI-<number>``."""
    known = vocabulary("regions")
    tokens = re.findall(r"[A-Za-z]+|\d+", value)
    passes = bool(tokens) and _REGION.fullmatch(value) is not None
    for token in tokens:
        if token.isdigit():
            passes = passes and len(token) <= 3
        elif token.upper() not in known:
            passes = passes and all(part.upper() in known for part in _WORD_PARTS.findall(token))
    return value if passes else f"ROI-{number}"


def _is_known_word(token: str) -> bool:
    return (
        len(token) <= 1
        or token.upper() in vocabulary("words")
        or _CODE.fullmatch(token) is not None
        or _DECIMAL.fullmatch(token) is not None
    )
