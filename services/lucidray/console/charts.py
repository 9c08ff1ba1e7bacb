"""Geometry of the charts that pages draw as SVG, in pixels."""

from dataclasses import dataclass

from lucidray.contracts.results import Explanation, Prediction

WIDTH = 560
ROW = 26
_LABELS = 190
_VALUES = 78


@dataclass(frozen=True)
class Bar:
    """One contribution. `x` and `width` of the bar, `y` of the row's middle."""

    name: str
    value: str
    contribution: str
    x: float
    width: float
    y: float
    raises: bool


@dataclass(frozen=True)
class BarChart:
    """Contributions to a logit, the largest first."""

    bars: list[Bar]
    zero: float
    labels: int
    width: int
    height: int


def contributions(explanation: Explanation) -> BarChart:
    """Bars to both sides of a common zero."""
    items = sorted(explanation.contributions, key=lambda each: -abs(each.contribution))
    amounts = [each.contribution for each in items] or [0.0]
    low, high = min(0.0, *amounts), max(0.0, *amounts)
    span = WIDTH - _LABELS - _VALUES - 12
    scale = span / ((high - low) or 1.0)
    left = _LABELS + 6
    zero = left - low * scale
    bars = [
        Bar(
            name=each.name,
            value=f"{each.value:.4g}",
            contribution=f"{each.contribution:+.2f}",
            x=round(zero + min(0.0, each.contribution) * scale, 1),
            width=round(max(abs(each.contribution) * scale, 1.0), 1),
            y=ROW * (row + 0.5),
            raises=each.contribution > 0,
        )
        for row, each in enumerate(items)
    ]
    return BarChart(bars, round(zero, 1), _LABELS, WIDTH, ROW * max(len(bars), 1))


@dataclass(frozen=True)
class Interval:
    """A probability and its interval on a line from 0 to 1 that is `width` long."""

    low: float
    point: float
    high: float
    width: int


def interval(prediction: Prediction, width: int = 400) -> Interval | None:
    """Where to draw them; None when the prediction was withheld."""
    if prediction.probability is None:
        return None
    low, high = prediction.interval or (prediction.probability, prediction.probability)
    low, point, high = (round(each * width, 1) for each in (low, prediction.probability, high))
    return Interval(low, point, high, width)
