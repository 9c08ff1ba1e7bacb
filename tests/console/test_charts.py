"""Geometry of the charts."""

import pytest
from tests.console.scenes import explanation, prediction

from lucidray.console.charts import WIDTH, contributions, interval


def test_bars_start_at_zero_and_the_largest_comes_first() -> None:
    chart = contributions(explanation())
    first, second = chart.bars
    assert (first.name, first.raises, first.x) == ("suv_max", True, chart.zero)
    assert (second.name, second.raises) == ("sphericity", False)
    assert second.x + second.width == pytest.approx(chart.zero, abs=0.2)
    assert first.width / second.width == pytest.approx(0.5 / 0.21, abs=0.05)
    assert first.x + first.width < WIDTH


def test_explanation_without_contributions() -> None:
    chart = contributions(explanation().model_copy(update={"contributions": []}))
    assert chart.bars == []
    assert chart.height > 0


def test_interval_on_a_line() -> None:
    line = interval(prediction(), 100)
    assert line is not None
    assert (line.low, line.point, line.high) == (21, 42, 66)


def test_no_line_for_a_withheld_prediction() -> None:
    assert interval(prediction(probability=None, interval=None)) is None
