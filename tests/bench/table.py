"""What every benchmark prints and writes: figure, peer or bound of the same run, ratio with interval, goal."""

import json
import math
import platform
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

BUILD = Path("build/bench")


@dataclass(frozen=True)
class Row:
    """One line: `ratio` is figure to peer, with a 90 % bootstrap interval over the repetitions."""

    figure: str
    value: float
    unit: str
    peer: str
    peer_value: float
    ratio: float
    low: float
    high: float
    goal: str
    met: bool  # False only where the whole interval lies on the wrong side


def compare(
    figure: str, values: Sequence[float], unit: str, peer: str, peer_values: Sequence[float], *, at_most: float
) -> Row:
    """Pairs of one interleaved run each; the ratio of their medians."""
    ratio = median(values) / median(peer_values)
    pairs = list(zip(values, peer_values, strict=True))
    chance = random.Random(1)  # noqa: S311  resampling, not secrets
    samples = sorted(_ratio(chance.choices(pairs, k=len(pairs))) for _ in range(2000))
    low, high = samples[100], samples[1899]
    goal = "none" if at_most == math.inf else f"<= {at_most:g}"
    return Row(figure, median(values), unit, peer, median(peer_values), ratio, low, high, goal, low <= at_most)


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return median(value for value, _ in pairs) / median(peer for _, peer in pairs)


def report(name: str, rows: Sequence[Row]) -> None:
    """Print the table, write build/bench/NAME.json, exit 1 when a goal is clearly missed."""
    table = Table("figure", "value", "peer or bound, same run", "ratio (90 % interval)", "goal", "", title=name)
    for row in rows:
        table.add_row(
            row.figure,
            f"{row.value:.3g} {row.unit}",
            f"{row.peer}: {row.peer_value:.3g} {row.unit}",
            f"{row.ratio:.2f} ({row.low:.2f} to {row.high:.2f})",
            row.goal,
            "met" if row.met else "MISSED",
        )
    Console().print(table)
    BUILD.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    content = {"name": name, "machine": machine, "rows": [asdict(row) for row in rows]}
    (BUILD / f"{name}.json").write_text(json.dumps(content, indent=2))
    sys.exit(0 if all(row.met for row in rows) else 1)
