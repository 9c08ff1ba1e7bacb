"""Our statistics, histograms and textures beside those of mirp and z-rad: sarcomas, a lung nodule, random regions.

`python -m lucidray.lab.oracles.agreement DATA [PATIENTS] [RANDOM]` prints how many agree and every feature that does
not, with the passage of the IBSI manual that decides; it exits with 1 when fewer than 99.5 % agree or a difference is
not explained. DATA is the folder that LUCIDRAY_DATA names. z-rad takes part where it is installed. Shape and local
intensity have a module of their own.
"""

import importlib.util
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from lucidray.lab.oracles.mirp_oracle import mirp_values
from lucidray.lab.oracles.regions import RANDOM, Case, nodule, random_regions, sarcomas
from lucidray.lab.oracles.zrad_oracle import zrad_values
from lucidray.quantify.engine import compute
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.sample import Sample

TOLERANCE = 1e-6  # relative
NEGLIGIBLE = 1e-9  # absolute: what is zero but for rounding
ENOUGH = 0.995  # of all comparisons
PATIENTS = 6

_FLAT_SLICES = (
    "3.6: where all neighbours of a slice have one grey level the quotient is 0/0, hence not part of the average over "
    "slices; mirp counts 1"
)
_RANGE = "3.5: with bins of fixed size the range ends half a bin below the greatest intensity; mirp adds a bin"
# By oracle and feature: the passage that decides, and what the other does.
EXPLAINED: dict[tuple[str, str], str] = {
    ("mirp", "cm_corr"): _FLAT_SLICES,
    ("mirp", "cm_info_corr1"): _FLAT_SLICES,
    (
        "mirp",
        "cm_inv_var",
    ): "3.6: a sum over no pair i < j is 0 and counts in the average over slices; mirp leaves it out",
    **{("mirp", f"ivh_{name}"): _RANGE for name in ("v10", "v90", "diff_v10_v90", "auc")},
    ("z-rad", "ih_mode"): "3.4: of several most frequent levels the one closest to the mean; z-rad takes the lowest",
}


@dataclass(frozen=True)
class Difference:
    """A value that another implementation does not confirm."""

    oracle: str
    feature: str
    case: str
    ours: float | None
    theirs: float | None

    @property
    def explanation(self) -> str:
        """Empty if there is none."""
        return EXPLAINED.get((self.oracle, self.feature), "")


@dataclass(frozen=True)
class Agreement:
    """All comparisons."""

    compared: Counter[str]  # by oracle
    differences: list[Difference]

    @property
    def share(self) -> float:
        """Of the comparisons that agree."""
        return 1 - len(self.differences) / max(self.compared.total(), 1)

    @property
    def holds(self) -> bool:
        """Whether enough agree and the rest is explained."""
        return self.share >= ENOUGH and all(each.explanation for each in self.differences)


def oracles() -> list[str]:
    """Those that are installed."""
    modules = {"mirp": "mirp", "z-rad": "zrad"}
    return [name for name, module in modules.items() if importlib.util.find_spec(module)]


def compare(cases: Iterable[Case], names: Iterable[str]) -> Agreement:
    """Hold every feature of every case against every oracle that has it."""
    compared: Counter[str] = Counter()
    differences = []
    for case in cases:
        ours = _ours(case)
        for name in names:
            for feature, theirs in _theirs(name, case):
                compared[name] += 1
                if not _same(ours[feature], theirs):
                    differences.append(Difference(name, feature, case.name, ours[feature], theirs))
    return Agreement(compared, differences)


def _ours(case: Case) -> dict[str, float | None]:
    abbreviations = {each.code: each.abbreviation for each in definitions().values() if each.code}
    found = compute(case.region, case.measurement, 1)
    return {abbreviations[each.ibsi_code]: each.value for each in found if each.ibsi_code in abbreviations}


def _theirs(name: str, case: Case) -> Iterator[tuple[str, float | None]]:
    """z-rad raises where a feature is undefined and takes its whole family along: those are not compared."""
    aggregation = case.measurement.aggregations[0]
    sample = Sample(case.region, case.measurement, case.measurement.discretisation)
    families = case.measurement.families
    wanted = frozenset(name for name, each in definitions().items() if each.family in families)
    if name == "mirp":
        yield from mirp_values(sample, wanted, aggregation).items()
    else:
        yield from ((key, value) for key, value in zrad_values(sample, aggregation).items() if key in wanted)


def _same(ours: float | None, theirs: float | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return abs(ours - theirs) <= max(TOLERANCE * abs(theirs), NEGLIGIBLE)


def report(found: Agreement, console: Console) -> None:
    """Print what agrees, and each feature that does not."""
    total = found.compared.total()
    shares = ", ".join(f"{count:,} with {name}" for name, count in found.compared.items())
    console.print(f"{total - len(found.differences):,} of {total:,} agree ({found.share:.4%}): {shares}")
    table = Table("oracle", "feature", "times", "for example", "ours", "theirs", "why")
    for (oracle, feature), count in Counter((each.oracle, each.feature) for each in found.differences).most_common():
        first = next(each for each in found.differences if (each.oracle, each.feature) == (oracle, feature))
        why = first.explanation or "NOT EXPLAINED"
        table.add_row(oracle, feature, str(count), first.case, f"{first.ours}", f"{first.theirs}", why)
    console.print(table)


def main() -> None:
    """Compare and report."""
    data, given = Path(sys.argv[1]), [int(each) for each in sys.argv[2:]]
    patients, blobs = [*given, *(PATIENTS, RANDOM)[len(given) :]]
    cases = list(chain(random_regions(blobs), nodule(data), sarcomas(data, patients)))
    found = compare(track(cases, "comparing regions"), oracles())
    report(found, Console(width=180))
    sys.exit(0 if found.holds else 1)


if __name__ == "__main__":
    main()
