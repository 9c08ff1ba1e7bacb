import pytest

from lucidray.deidentify.dates import is_time, shifted


@pytest.mark.parametrize(
    ("value", "vr", "days", "expected"),
    [
        ("20200229", "DA", 1, "20200301"),
        ("20200301", "DA", -1, "20200229"),
        ("2020.03.01", "DA", -1, "20200229"),
        ("20200229\\\\20200228", "DA", 1, "20200301\\\\20200229"),
        ("20200229235959.123456+0100", "DT", 1, "20200301235959.123456+0100"),
        ("20200229", "DT", 1, "20200301"),
        ("2020", "DT", 1, None),
        ("20200230", "DA", 1, None),
        ("Smith", "DA", 1, None),
        ("20200229 Smith", "DT", 1, None),
        ("00010101", "DA", -1, None),
    ],
)
def test_shifted(value: str, vr: str, days: int, expected: str | None) -> None:
    assert shifted(value, vr, days) == expected


def test_shift_there_and_back_is_nothing() -> None:
    there = shifted("20240229101112.5", "DT", -1234)
    assert there is not None and shifted(there, "DT", 1234) == "20240229101112.5"


def test_times() -> None:
    assert all(map(is_time, ("10", "1011", "101112", "101112.123456", "10:11:12", "101112.1 \0")))
    assert not any(map(is_time, ("Smith", "101112.1234567", "1", "101112 Smith")))
