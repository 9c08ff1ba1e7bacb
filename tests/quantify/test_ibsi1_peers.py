"""What other packages say of the digital phantom, and the section that shows it."""

from pathlib import Path

import pytest

import lucidray.lab.ibsi1.peers.stored as kept
from lucidray.lab.ibsi1.others import others
from lucidray.lab.ibsi1.peers import PEERS
from lucidray.lab.ibsi1.peers.measuring import label, measure
from lucidray.lab.ibsi1.peers.names import names_of
from lucidray.lab.ibsi1.peers.stored import package_of, store, stored
from lucidray.lab.ibsi1.reference import Consensus, strengths
from lucidray.quantify.ibsi import definitions

ROWS = [Consensus("stat_mean", 2.15, 0, "very strong"), Consensus("stat_var", 3.05, 0, "strong")]


@pytest.mark.data
@pytest.mark.parametrize("package", PEERS)
def test_the_values_kept_are_those_of_a_fresh_run(ibsi_data: Path, package: str) -> None:
    name, values = next((name, values) for name, values in stored().items() if package_of(name) == package)
    release = name.partition(" on ")[0]
    if label(package).partition(" on ")[0] != release:
        pytest.skip(f"needs {release}")
    found = measure(package, ibsi_data)
    assert {tag: found[tag] for tag in values} == pytest.approx(values, rel=1e-6, abs=1e-12)
    assert strengths("ibsi-1-phantom").keys() & found.keys() == values.keys()


@pytest.mark.parametrize("package", ["flash-radiomics", "nyxus", "pictologics"])
def test_a_name_stands_for_a_feature_of_the_reference_tables(package: str) -> None:
    assert set(names_of(package).values()) <= strengths("ibsi-1-phantom").keys() | definitions().keys()


def test_a_new_column_replaces_that_of_the_same_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kept, "_FILE", tmp_path / "values.csv")
    store({"nyxus 1.0 on Python 3.11": {"stat_mean": 1.0}}, ["stat_mean", "stat_var"])
    store({"mirp 2.0 on Python 3.11": {"stat_var": 3.0}}, ["stat_mean", "stat_var"])
    store({"nyxus 2.0 on Python 3.13": {"stat_mean": 2.0}}, ["stat_mean", "stat_var"])
    assert stored() == {"mirp 2.0 on Python 3.11": {"stat_var": 3.0}, "nyxus 2.0 on Python 3.13": {"stat_mean": 2.0}}
    assert list(stored()) == ["mirp 2.0 on Python 3.11", "nyxus 2.0 on Python 3.13"]


def test_a_miss_of_another_stands_beside_our_value(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"nyxus 1.0 on Python 3.11": {"stat_mean": 9.0}, "mirp 2.0 on Python 3.11": {"stat_mean": 2.149}}
    monkeypatch.setattr("lucidray.lab.ibsi1.others.stored", lambda: columns)
    lines = list(others(ROWS, {"stat_mean": 2.15, "stat_var": 3.05}))
    assert "| nyxus 1.0 on Python 3.11 | 1 | 0 | 0 of 1 |  |" in lines
    assert "| mirp 2.0 on Python 3.11 | 1 | 1 | 1 of 1 |  |" in lines
    assert "| stat_mean | very strong | 2.15 | 0 | 2.15 | **9** |" in lines
    assert not any(line.startswith("| stat_var |") for line in lines)


def test_a_miss_of_ours_would_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lucidray.lab.ibsi1.others.stored", lambda: {"mirp 2.0 on Python 3.11": {"stat_mean": 2.15}})
    lines = list(others(ROWS, {"stat_mean": 2.2, "stat_var": None}))
    assert "| stat_mean | very strong | 2.15 | 0 | **2.2** |" in lines
