"""Checks of text values: what describes an examination passes, what could name a person does not."""

import re
import unicodedata
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from itertools import groupby

import yaml

_PRINTABLE = re.compile(r"[ -~]*")
_SEPARATORS = re.compile(r"[\s,;:/()\[\]_=*+~|'\"<>{}#^-]+", re.ASCII)
_ALPHANUMERIC = re.compile(r"[A-Z0-9]+")
_WORD_BREAKS = re.compile(r"[^A-Za-z0-9.]+")
_DATE_LIKE = re.compile(
    r"(?:19|20)\d\d[-./_ ]?(?:0[1-9]|1[0-2])[-./_ ]?(?:0[1-9]|[12]\d|3[01])|\d\d?[-./_ ]\d\d?[-./_ ](?:19|20)\d\d",
    re.ASCII,
)
_DIGITS = re.compile(r"[0-9.]+")
_LEAST_INSIDE, _LEAST_WORD = 4, 3  # characters of an identifier inside a value, and of one that is a word of it
_MOST_LETTERS = 3  # that stand alone in a value: more may spell a name
_MAX_DIGITS = 8  # in a whole value: record numbers and telephone numbers have more
_CODE = re.compile(  # e.g. B30f, 07MW18.4
    r"(?=.*\d)(?!.*[A-Za-z]{4})(?!.*\d{5})(?!(?:.*\d){6})[A-Za-z0-9.]{1,10}", re.ASCII
)
# What follows a known word without a space: Gauss5.00, Biograph128, tseR2d1, coreload.44, OSEM4i8s (its subsets)
_NUMBERED = re.compile(
    r"(.{4,}?)(?:\.?\d{1,3}|\d{1,2}\.\d{1,2}|[23]d\d{1,2}|\d{1,2}i\d{1,2}s)", re.IGNORECASE | re.ASCII
)
# As Canon (V10.06ER005) and GE (DV26.0_R03_1831.b) write versions: more digits than a text has else.
_VERSION = re.compile(r"\b(?:V\d{1,2}\.\d\d[A-Z]{2}\d{3}|[A-Z]{2}\d\d\.\d_[RM]\d\d_\d{4}\.[a-z])(?!\w)", re.ASCII)
_KERNEL = re.compile(r"[A-Z]\d\d[a-z]|[A-Z][a-z]\d\d[a-z]?", re.ASCII)  # as Siemens writes them: B30f, Br40d, Hr64
_PROTOCOL_CODE = re.compile(
    r"b\d{0,3}[05]|p[234]|s?T[12]W?|[1-4]scan", re.IGNORECASE | re.ASCII
)  # b-value, acceleration, weighting
_DECIMAL = re.compile(r"\d{1,4}\.\d{1,6}", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z]{0,8}[-_]?\d{1,8}[A-Za-z]?", re.ASCII)  # e.g. 141322, AWP141322, CT01
_QUANTITY = re.compile(
    r"\d{1,2}(?:\.\d{1,2})?|\d{1,3}(?:\.\d{1,2})?(?:mm|cm|s|sec|min|h|kv|mas|mci|mbq|%)", re.IGNORECASE | re.ASCII
)
_NUMBER = re.compile(r"\d{1,2}(?:\.\d{1,2})?", re.ASCII)
_MOST_NUMBERS, _MOST_DIGITS_OF_NUMBERS = 2, 4  # side by side: more may be a date or a record number in groups
_DESCRIBING = (_QUANTITY, _KERNEL, _PROTOCOL_CODE)
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


def folded(value: str) -> str:
    """Letters and digits only, without accents, in upper case: how identifiers are compared."""
    return "".join(_ALPHANUMERIC.findall(unicodedata.normalize("NFKD", value).upper()))


def tells(value: str, identifiers: Collection[str], known: frozenset[str] = frozenset()) -> bool:
    """Whether one of some folded `identifiers` is in what is left of a value without its `known` words.

    One of three characters has to be a word or the letters beside digits, one of two the whole value: less is in
    every other word. Words of makers are none.
    """
    if not identifiers:
        return False
    tokens = [token.upper() for token in _WORD_BREAKS.split(value) if token.upper() not in known]
    rest = folded("".join(tokens))
    letters = _DIGITS.sub("", rest)
    if any(len(each) >= _LEAST_INSIDE and (each in rest or each in letters) for each in identifiers):
        return True
    parts = {part for token in tokens for part in (token, *_DIGITS.split(token))}
    short = {part for part in parts if len(part) >= _LEAST_WORD and not part.isdecimal()} | {folded(value)}
    return not (short - known - vocabulary("words")).isdisjoint(identifiers)


def is_known_words(value: str) -> bool:
    """Whether a value consists of known words, decimal numbers and short codes."""
    if not _PRINTABLE.fullmatch(value) or _DATE_LIKE.search(value):
        return False
    value = _VERSION.sub("", value)
    if sum(character.isdigit() for character in value) > _MAX_DIGITS:
        return False
    tokens = [token.rstrip(".") for token in _SEPARATORS.split(value)]
    alone = sum(len(token) == 1 and token.isalpha() for token in tokens)
    return alone <= _MOST_LETTERS and all(map(_is_known_word, tokens))


def is_identifier(value: str) -> bool:
    """Whether a value is letters and a number, as serial numbers and station names are."""
    return _IDENTIFIER.fullmatch(value) is not None


def cleaned_description(value: str, identifiers: Collection[str] = ()) -> str:
    """The known words, kernels and small quantities of a description; numbers in a row go, and all of them if
    together they tell one of some folded `identifiers`."""
    known = vocabulary("descriptions")
    tokens = re.split(r"[^A-Za-z0-9.%]+", value)
    kept = [token for token in tokens if token.upper() in known or any(each.fullmatch(token) for each in _DESCRIBING)]
    if tells(" ".join(kept), identifiers, known):
        kept = [token for token in kept if token.upper() in known]
    return " ".join(
        token
        for is_number, run in groupby(kept, lambda token: _NUMBER.fullmatch(token) is not None)
        for token in _without_groups(list(run), is_number)
    )


def _without_groups(run: list[str], is_number: bool) -> list[str]:
    digits = sum(character.isdigit() for token in run for character in token)
    return [] if is_number and (len(run) > _MOST_NUMBERS or digits > _MOST_DIGITS_OF_NUMBERS) else run


def cleaned_region(value: str, number: int) -> str:
    """A region name if it consists of known words and small numbers, else ``ROI-<number>``."""
    known = vocabulary("regions")
    tokens = re.findall(r"[A-Za-z]+|[0-9]+", value)
    passes = bool(tokens) and _REGION.fullmatch(value) is not None
    for token in tokens:
        if token.isdigit():
            passes = passes and len(token) <= 3
        elif token.upper() not in known:
            passes = passes and all(part.upper() in known for part in _WORD_PARTS.findall(token))
    return value if passes else f"ROI-{number}"


def _is_known_word(token: str) -> bool:
    known = vocabulary("words")
    if len(token) <= 1 or token.upper() in known or any(each.fullmatch(token) for each in (_CODE, _DECIMAL)):
        return True
    numbered = _NUMBERED.fullmatch(token)
    return numbered is not None and numbered[1].upper() in known
