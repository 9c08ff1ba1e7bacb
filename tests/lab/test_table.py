"""Feature tables survive being written."""

from pathlib import Path

import numpy as np
import pytest

from lucidray.core.errors import Permanent
from lucidray.lab.table import Table, read_table


def test_written_and_read(tmp_path: Path) -> None:
    table = Table(["A", "B"], ["x", "y"], np.array([[1.23456789, 2], [1e-9, 123456789]]), np.array([True, False]))
    path = tmp_path / "table.csv"
    path.write_text(table.text("event"))
    again = read_table(path)
    assert list(again.patients) == ["A", "B"]
    np.testing.assert_allclose(again.values, table.values, rtol=1e-5)
    np.testing.assert_array_equal(again.outcome, table.outcome)
    assert again.text("event") == table.text("event")
    assert again.column("y")[0] == 2


@pytest.mark.parametrize("text", ["", "patient,x,event\nA,,1\n", "patient,x,event\nA,1,maybe\n"])
def test_holes_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(Permanent, match="cannot be read"):
        read_table(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="absent.csv"):
        read_table(tmp_path / "absent.csv")
