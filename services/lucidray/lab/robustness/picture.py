"""The table at a glance: a dot a feature, a line its confidence interval, a band a family."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from lucidray.lab.robustness.icc import Form
from lucidray.lab.robustness.results import CLASSES, Robustness

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito 2008: told apart with any colour vision.
_COLOURS: Mapping[str, str] = dict(zip(CLASSES, ("#009E73", "#56B4E9", "#E69F00", "#D55E00"), strict=False))
_LIMITS = (0.5, 0.75, 0.9)  # between the classes
_LOWEST = -0.1  # less is drawn there: a coefficient below zero says no more than zero
_BAND, _HEADER = 0.3, 1.2  # inches
_DOTS_PER_INCH = 150


def draw(rows: Sequence[Robustness], form: Form, title: str, path: Path) -> None:
    """Write a PNG; features without a coefficient are counted, not drawn."""
    from matplotlib.figure import Figure

    drawn = [row for row in rows if form in row.agreement.icc]
    bands = [(name, list(group)) for name, group in groupby(drawn, _band)]
    figure = Figure(figsize=(9, _HEADER + _BAND * max(len(bands), 1)), layout="constrained")
    axes = figure.subplots()
    for at, (_, band) in enumerate(bands):
        _draw_band(axes, at, band, form)
    axes.set_yticks(range(len(bands)), [f"{name} ({len(band)})" for name, band in bands])
    axes.set_ylim(max(len(bands), 1) - 0.5, -0.5)
    axes.set_xlim(_LOWEST - 0.02, 1.02)
    for limit in _LIMITS:
        axes.axvline(limit, color="0.8", linewidth=0.8, zorder=0)
    axes.set_xlabel(f"ICC({form}) with 95 % confidence interval; colour: class by its lower limit")
    axes.set_title(title + _counts(rows, form), fontsize=10, loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    figure.savefig(path, format="png", dpi=_DOTS_PER_INCH)


def _band(row: Robustness) -> str:
    family = row.feature.family.replace("_", " ")
    return " ".join(part for part in (row.feature.image_role, row.feature.filter, family) if part)


def _draw_band(axes: "Axes", at: int, band: Sequence[Robustness], form: Form) -> None:
    ranked = sorted(band, key=lambda row: row.agreement.icc[form].value)
    for rank, row in enumerate(ranked):
        height = at + (0.5 - (rank + 0.5) / len(ranked)) * 0.8
        estimate, colour = row.agreement.icc[form], _COLOURS[row.verdict(form)]
        low, value, high = (max(each, _LOWEST) for each in (estimate.low, estimate.value, estimate.high))
        axes.plot([low, high], [height, height], color=colour, alpha=0.35, linewidth=0.8)
        axes.plot(value, height, "o", color=colour, markersize=2.5)


def _counts(rows: Sequence[Robustness], form: Form) -> str:
    verdicts = [row.verdict(form) for row in rows]
    return "\n" + ", ".join(f"{verdicts.count(name)} {name}" for name in CLASSES if name in verdicts)
