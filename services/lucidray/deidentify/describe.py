"""What becomes of each attribute, by profile, as a table for people: `python -m lucidray.deidentify.describe FILE`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.tag import BaseTag

from lucidray.deidentify.profile import TextKind, load_profile, profile_names
from lucidray.deidentify.rules import Action, Rule, Rulebook
from lucidray.deidentify.table import rows, rows_by_tag

HEADING = """# What becomes of each attribute

Written by `python -m lucidray.deidentify.describe docs/deidentification-attributes.md` from the profiles and tables; a
test fails when it is not current. Every attribute of DICOM PS3.15 Table E.1-1 (edition 2026d) is here, and every text
outside it that a profile keeps. All other attributes follow the rules in [deidentification.md](deidentification.md).
"""
_PRIVATE = "PRIVATE"  # the row of all private attributes
_ACTIONS = {
    Action.REMOVE: "removed",
    Action.EMPTY: "emptied",
    Action.DUMMY: "dummy",
    Action.KEEP: "kept if valid",
    Action.UID: "pseudonym",
    Action.DATE: "shifted",
    Action.ITEMS: "items cleaned",
    Action.BYTES: "kept",
    Action.TABLE: "kept if valid",
}
_TEXTS: dict[TextKind, str] = {
    "words": "known words, else label",
    "identifier": "identifier, else label",
    "description": "known words only",
    "region": "region name, else number",
    "label": "label",
    "site": "pseudonym of the site",
}


def described(rule: Rule) -> str:
    """What a rule does, in a few words."""
    return _TEXTS[rule.kind] if rule.action is Action.TEXT else _ACTIONS[rule.action]


def table() -> str:
    """The page."""
    return HEADING + "\n" + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    names = profile_names()
    books = [Rulebook(load_profile(name)) for name in names]
    yield f"| tag | attribute | PS3.15 | {' | '.join(names)} |"
    yield "|---" * (3 + len(names)) + "|"
    listed = {row.tag: row for row in rows()}
    texts = {tag_for_keyword(keyword) or 0 for book in books for keyword in book.profile.text}
    for tag in sorted(listed.keys() | {f"{tag:08X}" for tag in texts - rows_by_tag().keys()}):
        row = listed.get(tag)
        name = row.name if row else keyword_for_tag(BaseTag(int(tag, 16)))
        shown = tag if tag == _PRIVATE else f"({tag[:4]},{tag[4:]})"
        yield f"| {shown} | {name} | {row.basic if row else ''} | {' | '.join(_by(book, tag) for book in books)} |"


def _by(book: Rulebook, tag: str) -> str:
    if tag == _PRIVATE:
        return "known to be safe: kept" if "retain_safe_private" in book.profile.options else "removed"
    return "removed" if "x" in tag else described(book.rule(int(tag, 16)))  # curves and overlays


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(table(), encoding="utf-8")
