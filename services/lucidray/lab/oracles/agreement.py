"""Our features beside those of mirp, of z-rad and of the manual's text: which agree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lucidray.lab.oracles.explained import HELD_TO_DEFINITION, explanation
from lucidray.lab.oracles.peers import DEFINITION, Opinions, Values
from lucidray.lab.oracles.regions import Case
from lucidray.quantify.engine import compute
from lucidray.quantify.ibsi import definitions

TOLERANCE = 1e-6  # relative
NEGLIGIBLE = 1e-9  # absolute: what is zero but for rounding
ENOUGH = 0.995  # of all comparisons


@dataclass(frozen=True)
class Comparison:
    """One feature of one region by us and by an oracle; `defined` where the oracle does not compute what it should."""

    oracle: str
    kind: str
    case: str
    family: str
    feature: str
    ours: float | None
    theirs: float | None
    defined: float | None = None
    by_definition: bool = False
    explanation: str = ""

    @property
    def agrees(self) -> bool:
        """With the oracle as it is."""
        return same(self.ours, self.theirs)

    @property
    def holds(self) -> bool:
        """Against the manual's text where the oracle does not follow it, else against the oracle."""
        return same(self.ours, self.defined) if self.by_definition else self.agrees

    @property
    def difference(self) -> float:
        """Of our value and the oracle's, relative; infinite where only one is defined."""
        if self.ours is None or self.theirs is None:
            return 0.0 if self.ours is self.theirs else float("inf")
        return abs(self.ours - self.theirs) / max(abs(self.theirs), NEGLIGIBLE)


def same(ours: float | None, theirs: float | None) -> bool:
    """Whether two values are one, or both undefined."""
    if ours is None or theirs is None:
        return ours is theirs
    return abs(ours - theirs) <= max(TOLERANCE * abs(theirs), NEGLIGIBLE)


def compare(cases: Iterable[Case], opinions: Opinions) -> Iterator[Comparison]:
    """Hold every feature of every case against every oracle that has it."""
    for case in cases:
        ours = measured(case)
        for oracle in opinions:
            if oracle != DEFINITION:
                yield from _compared(case, ours, oracle, opinions)


def _compared(case: Case, ours: Values, oracle: str, opinions: Opinions) -> Iterator[Comparison]:
    defined = opinions[DEFINITION][case.name]
    for feature, theirs in opinions[oracle][case.name].items():
        yield Comparison(
            oracle,
            case.kind,
            case.name,
            definitions()[feature].family,
            feature,
            ours[feature],
            theirs,
            defined.get(feature),
            by_definition=(oracle, feature) in HELD_TO_DEFINITION and feature in defined,
            explanation=explanation(oracle, feature, case),
        )


def measured(case: Case) -> Values:
    """Our values by abbreviation."""
    abbreviations = {each.code: each.abbreviation for each in definitions().values() if each.code}
    found = compute(case.region, case.measurement, 1)
    return {abbreviations[each.ibsi_code]: each.value for each in found if each.ibsi_code in abbreviations}
