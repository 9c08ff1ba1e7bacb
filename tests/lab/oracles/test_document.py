"""The page and the verdict: nothing that differs is lost."""

from pathlib import Path

import numpy as np
import pytest

from lucidray.lab.oracles import peers
from lucidray.lab.oracles.agreement import Comparison, same
from lucidray.lab.oracles.document import Met, Verdict, document
from lucidray.lab.oracles.explained import explanation
from lucidray.lab.oracles.regions import Case, random_regions

MET = [Met("glcm", 4, 3, 4)]


def comparison(ours: float | None, theirs: float | None, **more: object) -> Comparison:
    return Comparison("mirp", "random", "random 1", "glcm", "cm_corr", ours, theirs, **more)  # type: ignore[arg-type]


def page(*comparisons: Comparison) -> str:
    return "\n".join(document(comparisons, {"mirp": "2.7.0"}, {"random": 1}, MET))


def test_undefined_agrees_with_undefined_alone() -> None:
    assert same(None, None)
    assert not same(None, 0.0)
    assert not same(0.0, None)
    assert same(1.0, 1 + 9e-7)
    assert not same(1.0, 1 + 2e-6)


def test_an_unexplained_difference_fails_and_stands_on_the_page() -> None:
    found = [comparison(1.0, 1.0)] * 999 + [comparison(1.0, 2.0)]
    assert not Verdict.of(found, MET).passed
    assert "NOT EXPLAINED" in page(*found)
    assert "| mirp | 1,000 | 999 | 99.90 % | 0 | 999 | 99.90 % |" in page(*found)


def test_explained_differences_pass_while_enough_holds() -> None:
    explained = comparison(1.0, 2.0, explanation="3.6: the manual")
    assert Verdict.of([comparison(1.0, 1.0)] * 199 + [explained], MET).passed
    assert not Verdict.of([comparison(1.0, 1.0)] * 198 + [explained], MET).passed


def test_a_feature_that_is_held_to_the_definition_must_meet_it() -> None:
    """Agreement with the oracle does not help."""
    wrong = comparison(1.0, 1.0, defined=2.0, by_definition=True)
    right = comparison(2.0, 1.0, defined=2.0, by_definition=True, explanation="3.1: the manual")
    assert not Verdict.of([*[right] * 999, wrong], MET).passed
    assert Verdict.of([right] * 1000, MET).passed
    assert "| mirp | 1 | 0 | 0.00 % | 1 | 1 | 100 % |" in page(right)


def test_a_baseline_that_is_not_met_fails() -> None:
    assert not Verdict.of([comparison(1.0, 1.0)], [Met("glcm", 4, 3, 3)]).passed


def test_a_missing_one_is_never_a_hundred_per_cent() -> None:
    assert "99.99 %" in page(*[comparison(1.0, 1.0)] * 99_999, comparison(1.0, 2.0))


def test_a_passage_explains_only_where_it_can_apply() -> None:
    """Flat slices are no reason in a region that is measured as a whole."""
    cases = list(random_regions(6))
    (sliced,) = (each for each in cases if each.measurement.aggregation == "2D:avg")
    (whole,) = (each for each in cases if each.measurement.aggregation == "3D:mrg")
    assert explanation("mirp", "cm_corr", sliced)
    assert not explanation("mirp", "cm_corr", whole)
    assert not explanation("mirp", "cm_contrast", sliced)


def test_what_was_asked_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(case: Case) -> peers.Values:
        asked.append(case.name)
        return {"stat_mean": float(np.mean(case.region.voxels)), "cm_corr": None}

    monkeypatch.setattr(peers, "oracles", lambda: {"mirp": "1"})
    monkeypatch.setattr(peers, "_ASKED", {"mirp": answer, peers.DEFINITION: lambda _: {}})
    first = peers.opinions(random_regions(1), tmp_path)
    again = peers.opinions(random_regions(2), tmp_path)
    assert asked == ["random 0", "random 1"]
    assert again["mirp"]["random 0"] == first["mirp"]["random 0"]
