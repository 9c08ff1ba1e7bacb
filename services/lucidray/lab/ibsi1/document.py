"""The table of conformance, in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lucidray.lab.ibsi1.others import others
from lucidray.lab.ibsi1.phantom import CT, measured
from lucidray.lab.ibsi1.reference import DIGITS, STRENGTHS, Consensus, consensus
from lucidray.quantify.ibsi import FAMILY_CODES

DOCUMENT = Path("docs/conformance/ibsi-1.md")
Values = Mapping[str, float | None]


def table(rows: Sequence[Consensus], found: Values) -> Iterator[str]:
    """The values beside the consensus, counted and listed, line by line."""
    yield from (*_overview(rows, found), "", *_listing(rows, found))


def document(data: Path) -> Iterator[str]:
    """The table of the digital phantom, whose licence lets everybody repeat it."""
    preset = "ibsi-1-phantom"
    yield "# IBSI-1: features of the digital phantom"
    yield ""
    yield "Written by `python -m lucidray.lab.ibsi1 DATA`; a test holds it against a fresh run. A feature conforms if,"
    yield f"rounded to {DIGITS} significant digits, it lies within the tolerance of the IBSI's consensus value. Every"
    yield "feature with a consensus value is here, by every aggregation, by the strength of the consensus: how many"
    yield "teams gave the value (the IBSI's manual, chapter 3). The configurations A to E need the IBSI's CT phantom,"
    yield f"whose licence forbids to pass it on: the same command prints them where {CT} names it."
    yield ""
    rows, found = consensus(data, preset), measured(data / "ibsi_1_digital_phantom" / "nifti", preset)
    yield from (*_overview(rows, found), "", *others(rows, found), "", *_listing(rows, found))


def _overview(rows: Sequence[Consensus], found: Values) -> Iterator[str]:
    strengths = [name for name in STRENGTHS if any(each.strength == name for each in rows)]
    yield f"**{_share(rows, found)} conform.**"
    yield ""
    yield f"| family | {' | '.join(strengths)} | all |"
    yield f"|---|{'---|' * (len(strengths) + 1)}"
    for family in FAMILY_CODES:
        of_family = [each for each in rows if each.family == family]
        parts = [[each for each in of_family if each.strength == name] for name in strengths]
        shares = [_share(part, found) if part else "" for part in (*parts, of_family)]
        yield f"| {family.replace('_', ' ')} | {' | '.join(shares)} |"


def _listing(rows: Sequence[Consensus], found: Values) -> Iterator[str]:
    yield "## All values, by strength and family"
    for strength, teams in STRENGTHS.items():
        part = [each for each in rows if each.strength == strength]
        if part:
            yield from ("", f"### {strength.capitalize()}: {teams}", "", *_part(part, found))


def _part(rows: Sequence[Consensus], found: Values) -> Iterator[str]:
    yield "| feature | consensus | tolerance | lucidray | conforms |"
    yield "|---|---|---|---|---|"
    for each in rows:
        value = found.get(each.tag)
        shown = "undefined" if value is None else f"{value:.6g}"
        yield (
            f"| {each.tag} | {each.value:g} | {each.tolerance:g} | {shown} | "
            f"{'yes' if each.holds(value) else '**no**'} |"
        )


def _share(rows: Sequence[Consensus], found: Values) -> str:
    return f"{sum(each.holds(found.get(each.tag)) for each in rows)} of {len(rows)}"
