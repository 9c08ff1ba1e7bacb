"""The forms that an identifier can take in bytes.

All needles are looked for in bytes whose ASCII letters are lower case, so they are so too.
"""

import base64
import re
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum, auto
from itertools import permutations
from typing import NamedTuple

from lucidray.deidentify.audit.folding import folded, is_nobody, transliterated
from lucidray.deidentify.audit.identifiers import Identifier, Kind

# Every repertoire of PS3.3 C.12.1.1.2, and what files on disks hold beside them.
_ENCODINGS = (
    "utf-8",
    *(f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)),
    *("tis-620", "gb18030", "big5", "shift_jis", "euc_jp", "iso2022_jp", "iso2022_jp_2", "euc_kr", "iso2022_kr"),
    *("cp1250", "cp1251", "cp437", "cp850", "koi8-r", "mac_roman"),
)
_WIDE = ("utf-16-le", "utf-16-be")
MIN_BYTES = 6  # a shorter needle is met by chance in a few megabytes of numbers
MIN_SQUEEZED = 8  # squeezed bytes have a smaller alphabet; in a single text, which is short,
MIN_SQUEEZED_TEXT = 5
_ASCII_ESCAPE = b"\x1b(B"  # back to ASCII at the end (ISO 2022): not part of the text
_DATE_FORMS = (
    *("%Y%m%d", "%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d", "%Y:%m:%d", "%Y %m %d"),
    *("%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y", "%m/%d/%Y", "%m-%d-%Y", "%d%m%Y", "%m%d%Y"),
    *(separator.join(order) for separator in ".-/ " for order in (("%d", "%m", "%y"), ("%m", "%d", "%y"))),
    *("%d-%b-%Y", "%d%b%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d. %B %Y"),
)


_LEADING_ZERO = re.compile(r"\b0")


class Edge(Enum):
    """What may stand beside a needle."""

    ANYTHING = auto()
    NO_DIGIT = auto()  # a number in a longer number is another number
    TIME = auto()  # no digit before; after it, none or those of a time


class Needle(NamedTuple):
    """Bytes to look for, what form of the identifier they are, and what may stand beside them."""

    data: bytes
    form: str
    edge: Edge = Edge.ANYTHING


def needles(identifier: Identifier) -> Iterator[Needle]:
    """Bytes that would give an identifier away, wherever in a file they stand."""
    if identifier.kind is Kind.DATE:
        yield from _dates(identifier.value)
        return
    texts = [identifier.value, *_components(identifier)]
    seen: set[bytes] = set()
    for text in texts:
        for data, form in _encoded(text):
            if len(data) >= MIN_BYTES and data not in seen:
                seen.add(data)
                yield Needle(data, form, _edge(data))


def squeezed_needles(identifier: Identifier) -> Iterator[Needle]:
    """Bytes to look for where all that is no letter and no digit was taken out: identifiers that were split."""
    if identifier.kind is Kind.DATE:
        return
    words = folded(identifier.value).split()
    orders = permutations(words) if identifier.kind is Kind.NAME and len(words) <= 3 else [tuple(words)]
    for joined in {"".join(order) for order in orders}:
        data = joined.encode()
        if len(data) >= MIN_SQUEEZED_TEXT:
            yield Needle(data, "split or joined", _edge(data))


def words(identifier: Identifier) -> Iterator[str]:
    """Whole words to look for in texts (folded), also short ones."""
    if identifier.kind not in (Kind.DATE, Kind.UID):
        for text in (identifier.value, *_components(identifier)):
            yield from _plain(text) - {""}


def squeezed(data: bytes) -> bytes:
    """Only letters, digits and bytes over 127, in lower case."""
    return data.translate(_LOWER, _DROPPED)


def unsqueezed_offset(data: bytes, offset: int) -> int:
    """Where in `data` the byte stands that is at `offset` of its squeezed bytes."""
    low, high = 0, len(data)
    while low < high:
        middle = (low + high) // 2
        if len(squeezed(data[: middle + 1])) > offset:
            high = middle
        else:
            low = middle + 1
    return low


_LOWER = bytes(range(256)).lower()
_DROPPED = bytes(code for code in range(128) if not chr(code).isalnum())


def _components(identifier: Identifier) -> list[str]:
    """Family name, given name and so on, in each of the three representations of a name."""
    if identifier.kind is not Kind.NAME:
        return []
    value = identifier.value
    for separator in "^=, ":
        value = value.replace(separator, "\n")
    return [part for part in value.split("\n") if part and part != identifier.value and not is_nobody(part)]


def _encoded(text: str) -> Iterator[tuple[bytes, str]]:
    spellings = [text] if text.isascii() else [text, text.upper(), text.lower(), text.title()]
    for spelling in spellings:
        for encoding in _ENCODINGS if not text.isascii() else ("ascii",):
            data = _try(spelling, encoding).lower()
            yield data, "plain" if text.isascii() else encoding
            yield from _hidden(data)
        for encoding in _WIDE:
            yield _try(spelling, encoding).lower(), encoding
        yield spelling.encode().hex().encode(), "hexadecimal"
        for data in {spelling.encode(), spelling.upper().encode(), spelling.lower().encode()}:
            yield from _base64(data)
    for plain in _plain(text) - {text.casefold()}:
        yield plain.encode(), "transliterated"


def _plain(text: str) -> set[str]:
    return {folded(text)} if text.isascii() else {folded(text), folded(transliterated(text))}


def _hidden(data: bytes) -> Iterator[tuple[bytes, str]]:
    if len(data) >= MIN_BYTES:
        yield data[::-1], "backwards"


def _base64(data: bytes) -> Iterator[tuple[bytes, str]]:
    """The characters that depend on the text alone, at each of the three positions that it can have."""
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + data)
        start, end = (0, 2, 3)[shift], (len(data) + shift) * 8 // 6
        yield text[start:end].lower(), "base64"


def _edge(data: bytes) -> Edge:
    return Edge.NO_DIGIT if data.replace(b".", b"").isdigit() else Edge.ANYTHING


def _try(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding).removesuffix(_ASCII_ESCAPE)
    except UnicodeEncodeError:
        return b""


def _dates(value: str) -> Iterator[Needle]:
    day = as_date(value)
    if day is None:
        return
    for form in _DATE_FORMS:
        text = day.strftime(form).lower()
        short = text if text.isalnum() else _LEADING_ZERO.sub("", text)
        for spelling in {text, short}:
            for encoding in ("ascii", *_WIDE):
                yield Needle(spelling.encode(encoding), f"date {form}", Edge.TIME)


def as_date(value: str) -> date | None:
    """The day of a DICOM date or of an ISO date."""
    try:
        return datetime.strptime(value.replace("-", "").strip(), "%Y%m%d").date()
    except ValueError:
        return None
