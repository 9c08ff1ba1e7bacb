"""docs/conformance/oracles.md: how many features agree, and every one that does not."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from lucidray.lab.oracles.agreement import ENOUGH, TOLERANCE, Comparison
from lucidray.lab.oracles.pyradiomics_baselines import Value
from lucidray.quantify.ibsi import definitions

_HEAD = f"""# Features beside mirp, z-rad and pyradiomics

Written by `python -m lucidray.lab.oracles DATA`, which exits with 1 if fewer than {ENOUGH:.1%} of the features hold or
if a difference has no explanation. DATA is the folder that `LUCIDRAY_DATA` names, with sarcomas and lung nodule.
Processing is ours: each oracle gets the same voxels, masks and grey levels, so that features alone are compared. Two
values agree if they differ by no more than {TOLERANCE:g}, relative, or if both are undefined. PET, CT (crops at 3 mm)
and the nodule are measured on their own grids, MR at 3 mm within slices; the six aggregations take turns.

Some features an oracle computes otherwise than the IBSI's manual defines them: it approximates, or takes another
formula. These are **held to the definition**: an implementation of the manual's text that computes nothing with ours
(`definition.py`, `least_box.py`, which exhausts all boxes, and `least_ellipsoid.py`, which proves what it finds). Both
numbers are given: agreement with the oracles as they are, and what holds. mirp sums Moran's I and Geary's C over all
pairs here, by its setting `no_approximation`; left to itself it estimates them from samples of 100 voxels in regions
of 1,000 or more. Where a feature is undefined z-rad may raise for its family: then none of that family is compared, and
the number of the values it would have had is given here.
"""


@dataclass(frozen=True)
class Met:
    """How many of pyradiomics' baselines of a class are met."""

    family: str
    values: int
    equal: int  # without any difference applied
    met: int

    @staticmethod
    def of(values: Iterable[Value]) -> list["Met"]:
        """Class by class."""
        groups = {family: list(group) for family, group in groupby(values, lambda each: each.family)}
        return [
            Met(family, len(group), sum(each.equal for each in group), sum(each.met for each in group))
            for family, group in groups.items()
        ]


@dataclass(frozen=True)
class Verdict:
    """Whether enough holds, and the rest is explained."""

    compared: int
    hold: int
    unexplained: int
    unmet: int  # of pyradiomics' baselines

    @staticmethod
    def of(comparisons: Sequence[Comparison], met: Iterable[Met]) -> "Verdict":
        """Of all comparisons and baselines."""
        return Verdict(
            len(comparisons),
            sum(each.holds for each in comparisons),
            sum(not (each.agrees and each.holds) and not each.explanation for each in comparisons),
            sum(each.values - each.met for each in met),
        )

    @property
    def passed(self) -> bool:
        """As the command exits."""
        return self.hold >= ENOUGH * self.compared > 0 and not self.unexplained and not self.unmet

    def __str__(self) -> str:
        return (
            f"{self.hold:,} of {self.compared:,} hold ({_percent(self.hold, self.compared)}); "
            f"{self.unexplained} differ without explanation; {self.unmet} of pyradiomics' baselines are not met"
        )


def document(
    comparisons: Sequence[Comparison], versions: Mapping[str, str], regions: Mapping[str, int], met: Sequence[Met]
) -> Iterator[str]:
    """The page, line by line.

    Parameters
    ----------
    versions
        Of the oracles, by name.
    regions
        How many there are of each kind.
    met
        pyradiomics' baselines, class by class.
    """
    yield _HEAD
    yield f"Oracles: {', '.join(f'{name} {number}' for name, number in versions.items())}. Regions: " + (
        "; ".join(f"{count} {kind}" for kind, count in regions.items()) + "."
    )
    for oracle in versions:
        found = [each.feature for each in comparisons if each.oracle == oracle]
        yield f"Not given by {oracle}: {len(set(found)) * sum(regions.values()) - len(found):,} values."
    yield f"\n**{Verdict.of(comparisons, met)}.**"
    yield from _section("By oracle", ["oracle"], comparisons, lambda each: (each.oracle,))
    yield _row(("both",), comparisons)
    yield from _section(
        "By family", ["oracle", "family"], comparisons, lambda each: (each.oracle, _spoken(each.family))
    )
    yield from _section("By kind of region", ["oracle", "regions"], comparisons, lambda each: (each.oracle, each.kind))
    yield from _section(
        "By family and kind of region",
        ["oracle", "family", "regions"],
        comparisons,
        lambda each: (each.oracle, _spoken(each.family), each.kind),
    )
    yield from _differences(comparisons)
    yield from _baselines(met)


def _spoken(family: str) -> str:
    return family.replace("_", " ") if "_" in family or family == "morphology" else family.upper()


def _section(
    title: str, columns: Sequence[str], comparisons: Iterable[Comparison], of: Callable[[Comparison], tuple[str, ...]]
) -> Iterator[str]:
    """Counts by what `of` says of a comparison."""
    groups: dict[tuple[str, ...], list[Comparison]] = defaultdict(list)
    for each in comparisons:
        groups[of(each)].append(each)
    yield f"\n## {title}\n"
    yield f"| {' | '.join(columns)} | compared | agree as they are | | held to the definition | hold | |"
    yield f"|{'---|' * len(columns)}--:|--:|--:|--:|--:|--:|"
    for name in sorted(groups, key=_order):
        yield _row(name, groups[name])


def _order(name: tuple[str, ...]) -> tuple[str, ...]:
    """Families in the order of the manual."""
    families = list(dict.fromkeys(_spoken(each.family) for each in definitions().values()))
    return tuple(f"{families.index(part):02}" if part in families else part for part in name)


def _row(name: tuple[str, ...], group: Sequence[Comparison]) -> str:
    agree, hold = sum(each.agrees for each in group), sum(each.holds for each in group)
    held = sum(each.by_definition for each in group)
    counts = f"{agree:,} | {_percent(agree, len(group))} | {held:,} | {hold:,} | {_percent(hold, len(group))}"
    return f"| {' | '.join(name)} | {len(group):,} | {counts} |"


def _percent(part: int, whole: int) -> str:
    """Never 100 % where one is missing."""
    return "100 %" if part == whole else f"{min(100 * part / whole, 99.99):.2f} %"


def _differences(comparisons: Iterable[Comparison]) -> Iterator[str]:
    """Every feature that an oracle does not confirm."""
    groups: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    seen: Counter[tuple[str, str]] = Counter()
    for each in comparisons:
        seen[each.oracle, each.feature] += 1
        if not (each.agrees and each.holds):
            groups[each.oracle, each.feature].append(each)
    yield "\n## Every difference\n"
    yield "How far an oracle lies from us: the median and the greatest of the regions that differ; a value where the"
    yield "other has none counts as infinite. *Open* are those that do not hold.\n"
    yield "| oracle | feature | regions | differ | median | greatest | open | the manual (arXiv:1612.07003) decides |"
    yield "|---|---|--:|--:|--:|--:|--:|---|"
    for (oracle, feature), group in sorted(groups.items()):
        sizes = sorted(each.difference for each in group)
        texts = sorted({each.explanation or "**NOT EXPLAINED**" for each in group})
        yield (
            f"| {oracle} | {feature} | {seen[oracle, feature]} | {len(group)} | {sizes[len(sizes) // 2]:.1g} | "
            f"{sizes[-1]:.1g} | {sum(not each.holds for each in group)} | {' / '.join(texts)} |"
        )


def _baselines(met: Iterable[Met]) -> Iterator[str]:
    yield "\n## pyradiomics' own baselines\n"
    yield "Of two of its test images, under all their settings, passed through the importer of parameter files; *met*"
    yield "is after the [named differences](../radiomics-pyradiomics.md) are applied to our values, and nothing else.\n"
    yield "| class | values | equal as they are | met |"
    yield "|---|--:|--:|--:|"
    for each in met:
        yield f"| {each.family} | {each.values} | {each.equal} | {each.met} |"
