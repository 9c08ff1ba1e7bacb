"""Looks for identifiers in every byte stream of a file."""

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick

from lucidray.deidentify.audit.elements import Element, Places, dataset_bytes, elements, meta_elements
from lucidray.deidentify.audit.folding import folded
from lucidray.deidentify.audit.identifiers import Identifier
from lucidray.deidentify.audit.needles import (
    MIN_SQUEEZED,
    Edge,
    Needle,
    needles,
    squeezed,
    squeezed_needles,
    unsqueezed_offset,
    words,
)
from lucidray.deidentify.audit.streams import packed_streams
from lucidray.imaging.elements import Malformed

MIN_IN_PIXELS = 8  # bytes; pixels are numbers, and shorter needles are met in them by chance
MIN_WORD = 3  # letters; shorter words name a person only in a person's name
_DIGITS = b"0123456789"
_TIMES = (4, 6)  # HHMM, HHMMSS


class Hit(NamedTuple):
    """An identifier was found: where, and in which form."""

    identifier: Identifier
    place: str
    form: str


class _Automaton:
    """Many needles at once."""

    def __init__(self, wanted: dict[bytes, list[tuple[Identifier, Needle]]]) -> None:
        self._wanted = list(wanted.values())
        self._automaton = BytesAhoCorasick(list(wanted)) if wanted else None

    def find(
        self, data: bytes, places: Places | None = None, borders: Collection[int] = ()
    ) -> Iterator[tuple[Identifier, Needle, int]]:
        """Identifier, needle and offset of every match. A number ends at the ends of elements and at `borders`."""
        if self._automaton is None:
            return
        for index, start, end in self._automaton.find_matches_as_indexes(data, overlapping=True):
            place = places.at(start) if places else None
            limits = (place.start, place.end) if isinstance(place, Element) else (0, len(data))
            limits = (start if start in borders else limits[0], end if end in borders else limits[1])
            for identifier, needle in self._wanted[index]:
                if _stands_alone(data, start, end, needle.edge, limits):
                    yield identifier, needle, start


class Searcher:
    """Searches for one list of identifiers."""

    def __init__(self, identifiers: Sequence[Identifier]) -> None:
        plain: dict[bytes, list[tuple[Identifier, Needle]]] = {}
        joined: dict[bytes, list[tuple[Identifier, Needle]]] = {}
        spoken: dict[str, list[Identifier]] = {}
        for identifier in identifiers:
            for needle in needles(identifier):
                plain.setdefault(needle.data, []).append((identifier, needle))
            for needle in squeezed_needles(identifier):
                joined.setdefault(needle.data, []).append((identifier, needle))
            for word in words(identifier):
                spoken.setdefault(f" {word} ", []).append(identifier)
        self._plain, self._joined = _Automaton(plain), _Automaton(joined)
        self._spoken = list(spoken.items())
        self._words = AhoCorasick(list(spoken)) if spoken else None

    def search(self, data: bytes, file_name: str = "") -> list[Hit]:
        """Hits in a file and in its name, one for each identifier, place and form."""
        found = [Hit(identifier, "file name", form) for identifier, form in self._in_name(file_name)]
        meta = meta_elements(data)
        head = Places(meta, first="preamble")
        try:
            content, start, _ = dataset_bytes(data)
        except Malformed:
            found += self._in_bytes(data, Places([], first="the file, which cannot be read as DICOM"))
            return _one_a_place(found)
        body = elements(data)
        places = Places(body, first="between file meta information and data set")
        if content is data:
            found += self._in_bytes(data[:start], head)
            found += self._in_bytes(data, places, start)
        else:
            found += self._in_bytes(data, head)
            found += self._in_bytes(content, places)
        found += self._in_texts([*meta, *body])
        return _one_a_place(found)

    def _in_name(self, file_name: str) -> Iterator[tuple[Identifier, str]]:
        data = file_name.encode("utf-8", "surrogateescape")
        for identifier, needle, *_ in self._plain.find(data.lower()):
            yield identifier, needle.form
        for identifier, needle, _ in self._joined.find(squeezed(data)):
            yield identifier, needle.form

    def _in_bytes(self, data: bytes, places: Places, start: int = 0) -> Iterator[Hit]:
        for identifier, needle, begin in self._plain.find(data.lower(), places):
            if begin < start:
                continue
            place = places.at(begin)
            if isinstance(place, Element) and place.is_pixels and len(needle.data) < MIN_IN_PIXELS:
                continue
            yield Hit(identifier, _name(place), needle.form)
        whole = data[start:]
        for identifier, needle, begin in self._in_squeezed(whole):
            yield Hit(identifier, _name(places.at(start + unsqueezed_offset(whole, begin))), needle.form)
        for stream in packed_streams(whole):
            where = _name(places.at(start + stream.offset))
            for identifier, needle, *_ in (*self._plain.find(stream.data.lower()), *self._in_squeezed(stream.data)):
                yield Hit(identifier, where, f"{needle.form}, {stream.name}")

    def _in_squeezed(self, data: bytes) -> Iterator[tuple[Identifier, Needle, int]]:
        return (each for each in self._joined.find(squeezed(data)) if len(each[1].data) >= MIN_SQUEEZED)

    def _in_words(self, text: str) -> Iterator[tuple[Identifier, str]]:
        """In the words of a text written together: what is a number of its own is known by where words end."""
        words_of_text = [word.encode() for word in folded(text).split()]
        borders = set(accumulate(map(len, words_of_text), initial=0))
        for identifier, needle, _ in self._joined.find(b"".join(words_of_text), borders=borders):
            yield identifier, needle.form

    def _in_texts(self, found: Sequence[Element]) -> Iterator[Hit]:
        if self._words is None:
            return
        for element in found:
            for text in element.texts:
                yield from (Hit(each, element.path, form) for each, form in self._in_words(text))
                for index, *_ in self._words.find_matches_as_indexes(f" {folded(text)} ", overlapping=True):
                    word, identifiers = self._spoken[index]
                    if len(word) - 2 < MIN_WORD and word.isascii() and element.vr != "PN":
                        continue
                    yield from (Hit(each, element.path, "word") for each in identifiers)


def _name(place: Element | str) -> str:
    return place.path if isinstance(place, Element) else place


def _one_a_place(found: list[Hit]) -> list[Hit]:
    """The first hit of each identifier at each place."""
    return list({(hit.identifier, hit.place): hit for hit in reversed(found)}.values())[::-1]


def _stands_alone(data: bytes, start: int, end: int, edge: Edge, limits: tuple[int, int]) -> bool:
    if edge is Edge.ANYTHING:
        return True
    if start > limits[0] and data[start - 1] in _DIGITS:
        return False
    following = data[end : min(end + 1 + max(_TIMES), limits[1])]
    digits = len(following) - len(following.lstrip(_DIGITS))
    return digits == 0 or (edge is Edge.TIME and digits in _TIMES)
