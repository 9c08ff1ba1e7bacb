"""One level of an object that is being cleaned: the data set itself, or an item of a sequence."""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from pydicom.tag import Tag

from lucidray.deidentify import own
from lucidray.deidentify.elements import DEFAULT_CHARSET, Charset, charset_of, decoded
from lucidray.deidentify.source import Source
from lucidray.imaging.elements import MAX_DEPTH, Encoding, Malformed
from lucidray.imaging.levels import Element

SEQUENCES = (b"SQ", b"UN", b"")  # representations in which a file may give a sequence
CODE_VALUE, CODING_SCHEME = int(Tag("CodeValue")), int(Tag("CodingSchemeDesignator"))
_SPECIFIC_CHARACTER_SET = int(Tag("SpecificCharacterSet"))


class Level(NamedTuple):
    """The elements of one level of an object, in the order of their tags, and how they are encoded."""

    source: Source
    elements: Sequence[Element]
    encoding: Encoding
    charset: Charset
    depth: int

    @classmethod
    def of(
        cls,
        source: Source,
        elements: Sequence[Element],
        encoding: Encoding,
        charset: Charset = DEFAULT_CHARSET,
        depth: int = 0,
    ) -> "Level":
        """The level of some elements; `charset` is that of the level above."""
        level = cls(source, _in_order(elements), encoding, charset, depth)
        own = level.find(_SPECIFIC_CHARACTER_SET)
        return level if own is None else level._replace(charset=charset_of(level.value(own)))

    def item(self, sequence: Element, elements: Sequence[Element]) -> "Level":
        """The level of an item of a sequence in this one."""
        return Level.of(self.source, elements, sequence.encoding, self.charset, self.depth + 1)

    def find(self, tag: int) -> Element | None:
        """The element of an attribute."""
        for element in self.elements:
            if element.tag >= tag:
                return element if element.tag == tag else None
        return None

    def value(self, element: Element) -> bytes:
        return bytes(self.source.data[element.start : element.end])

    def text(self, tag: int) -> str:
        """Value of a text attribute; empty if it is not there."""
        element = self.find(tag)
        return "" if element is None else decoded(self.value(element), self.charset)

    def identifiers(self) -> frozenset[str]:
        """What identifies the patient of an object and who saw them, folded, at this level and all below it."""
        found: set[str] = set()
        for element in self.elements:
            if element.tag in own.NAMES:
                found |= own.of_name(decoded(self.value(element), self.charset))
            elif element.tag in own.NUMBERS:
                found |= own.of_number(decoded(self.value(element), self.charset))
            elif element.tag in own.TELEPHONES:
                found |= own.of_telephone(decoded(self.value(element), self.charset))
            elif self._is_sequence(element):
                with suppress(Malformed):  # if it is to stay, the engine finds it malformed as well
                    for elements in self.source.levels.items(element):
                        found |= self.item(element, elements).identifiers()
        return frozenset(found)

    def _is_sequence(self, element: Element) -> bool:
        known = element.tag in own.SEQUENCE_TAGS and element.vr in SEQUENCES
        return (known or element.vr == b"SQ") and self.depth < MAX_DEPTH

    def code(self, tag: int) -> tuple[str, str]:
        """Scheme and value of the code in a sequence; empty if there is none."""
        sequence = self.find(tag)
        if sequence is not None and sequence.vr in SEQUENCES:
            for elements in self.source.levels.items(sequence):
                item = self.item(sequence, elements)
                return item.text(CODING_SCHEME), item.text(CODE_VALUE)
        return "", ""


def _in_order(elements: Sequence[Element]) -> Sequence[Element]:
    """In the order of their tags, as the standard wants them; of two with the same tag, the last."""
    tags = [element.tag for element in elements]
    if all(one < other for one, other in zip(tags, tags[1:], strict=False)):
        return elements
    by_tag = dict(zip(tags, elements, strict=True))
    return [by_tag[tag] for tag in sorted(by_tag)]
