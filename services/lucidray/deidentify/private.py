"""Private attributes that are known to be safe: PS3.15 Table E.3.10-1, as data (tables/README.md)."""

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import cast

from lucidray.deidentify.profile import TextKind
from lucidray.deidentify.rules import Action, Rule
from lucidray.imaging.levels import Element


@cache
def _table() -> Mapping[tuple[str, int, int], Rule]:
    """Rules by private creator, group, and the element's number in its block."""
    source = files(__package__) / "tables" / "ps3.15_table_e.3.10-1.csv"
    with source.open(encoding="utf-8") as lines:
        return {
            (line["creator"], int(line["group"], 16), int(line["element"], 16)): Rule(
                Action.TEXT if line["text"] else Action.KEEP,
                vr=line["vr"],
                keyword=line["name"],
                kind=cast(TextKind, line["text"] or "label"),
            )
            for line in csv.DictReader(lines)
        }


def safe_private(
    elements: Sequence[Element], text_of: Callable[[Element], str]
) -> tuple[Mapping[int, Rule], Mapping[int, str]]:
    """Rules of the safe private attributes among the elements of a level, and the creators of their blocks, by tag.

    A block belongs to whom its creator element names (PS3.5 section 7.8.1); an attribute without one is not known.
    """
    blocks: dict[int, str] = {}
    rules: dict[int, Rule] = {}
    creators: dict[int, str] = {}
    for element in elements:
        group, number = element.tag >> 16, element.tag & 0xFFFF
        if not group & 1:
            continue
        if 0x10 <= number <= 0xFF:
            blocks[element.tag] = text_of(element)
            continue
        reserved = group << 16 | number >> 8
        rule = _table().get((blocks.get(reserved, ""), group, number & 0xFF))
        if rule is not None:
            rules[element.tag] = rule
            creators[reserved] = blocks[reserved]
    return rules, creators
