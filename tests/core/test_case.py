"""The Case travels: pure functions over it."""

from datetime import UTC, datetime, timedelta

import pytest

from lucidray.core.case import (
    MAX_CASE_BYTES,
    advanced,
    failing_seconds,
    head,
    make_case_id,
    quality_flag,
    retried,
    returned_to,
    skipped,
    slip_entry,
)
from lucidray.core.errors import Permanent
from lucidray.v1.case_pb2 import Case, OnFailure, Outcome, Severity, Zone

NOW = datetime(2026, 5, 4, tzinfo=UTC)


def a_case(*steps: str) -> Case:
    case = Case(case_id="c1", study_key="s", study_version=1)
    for step in steps:
        case.slip.append(slip_entry(step, "1", {"b": 1, "a": 2}, OnFailure.ON_FAILURE_PARK, {"net": "d"}))
    return case


def test_case_id_depends_on_study_version_and_workflow() -> None:
    ids = {make_case_id(*each) for each in (("s", 1, "w"), ("s", 2, "w"), ("t", 1, "w"), ("s", 1, "x"))}
    assert len(ids) == 4
    assert make_case_id("s", 1, "w") in ids


def test_advanced_moves_the_head_to_history_and_leaves_the_original_alone() -> None:
    case = retried(a_case("harmonize", "segment"), NOW)
    after = advanced(case, "key", Zone.ZONE_ANALYSIS, NOW, 1.5, [quality_flag("harmonize", "gap", "one gap")])
    assert [entry.step for entry in case.slip] == ["harmonize", "segment"]
    assert [entry.step for entry in after.slip] == ["segment"]
    done = after.history[0]
    assert (done.entry.step, done.step_key, done.zone, done.seconds) == ("harmonize", "key", Zone.ZONE_ANALYSIS, 1.5)
    assert done.outcome == Outcome.OUTCOME_DONE
    assert after.quality[0].code == "gap"
    assert (case.attempt, after.attempt) == (1, 0)


def test_of_many_flags_of_a_code_the_first_travel_and_the_number_of_the_others() -> None:
    flags = [quality_flag("segment", "overlap", f"ROI {number}", warning=number == 29) for number in range(30)]
    flags.insert(3, quality_flag("segment", "gap", "one gap"))
    after = advanced(a_case("segment"), "key", Zone.ZONE_ANALYSIS, NOW, 1, flags)
    assert [flag.message for flag in after.quality if flag.code == "gap"] == ["one gap"]
    overlaps = [flag for flag in after.quality if flag.code == "overlap"]
    assert [flag.message for flag in overlaps] == [f"ROI {number}" for number in range(20)] + ["and 10 more"]
    assert overlaps[-1].severity == Severity.SEVERITY_WARNING  # one of those that it stands for is


def test_skipped_says_why_on_the_results() -> None:
    after = skipped(a_case("explain", "encode"), NOW, quality_flag("explain", "step-skipped", "left out"))
    assert after.history[0].outcome == Outcome.OUTCOME_SKIPPED
    assert after.history[0].step_key == ""
    assert head(after).step == "encode"
    assert after.quality[0].step == "explain"


def test_returned_to_an_earlier_step_puts_it_and_all_later_ones_on_the_slip_again() -> None:
    case = a_case("harmonize", "segment", "quantify", "encode")
    for step in ("harmonize", "segment", "quantify"):
        case = advanced(case, f"{step}-key", Zone.ZONE_ANALYSIS, NOW, 1, [quality_flag(step, "flag", step)])
    again = returned_to(case, "segment", recompute=True)
    assert [entry.step for entry in again.slip] == ["segment", "quantify", "encode"]
    assert [entry.entry.step for entry in again.history] == ["harmonize"]
    assert [flag.step for flag in again.quality] == ["harmonize"]
    assert (again.generation, again.run) == (1, 1)
    assert again.slip[0].parameters == case.history[1].entry.parameters


def test_returned_to_the_step_at_the_head_changes_only_the_run() -> None:
    case = retried(a_case("segment"), NOW)
    again = returned_to(case, "segment", recompute=False)
    assert (again.generation, again.run, again.attempt) == (0, 1, 0)


def test_how_long_a_step_has_been_failing_counts_from_its_first_failure() -> None:
    case, later = a_case("deliver", "next"), NOW + timedelta(hours=3)
    assert failing_seconds(case, later) == 0
    again = retried(retried(case, NOW), NOW + timedelta(hours=1))
    assert (again.attempt, failing_seconds(again, later)) == (2, 3 * 3600)
    assert failing_seconds(returned_to(again, "deliver", recompute=False), later) == 0
    assert failing_seconds(advanced(again, "key", Zone.ZONE_CLINICAL, NOW, 1), later) == 0


def test_returned_to_a_step_that_was_never_reached_names_the_choices() -> None:
    with pytest.raises(Permanent, match="choose one of: harmonize"):
        returned_to(a_case("harmonize", "segment"), "segment", recompute=False)


def test_a_finished_case_has_no_head() -> None:
    with pytest.raises(Permanent, match="slip is empty"):
        head(Case(case_id="c1"))


def test_a_case_that_outgrows_its_message_is_refused() -> None:
    flag = quality_flag("harmonize", "long", "x" * MAX_CASE_BYTES)
    with pytest.raises(Permanent, match="more than 65536"):
        advanced(a_case("harmonize"), "key", Zone.ZONE_ANALYSIS, NOW, 1, [flag])


def test_fields_of_a_later_release_survive_a_forward() -> None:
    unknown = b"\xfa\x3e\x05later"  # field 1007, length-delimited
    later = a_case("harmonize", "segment").SerializeToString() + unknown
    after = advanced(Case.FromString(later), "key", Zone.ZONE_ANALYSIS, NOW, 1)
    assert unknown in after.SerializeToString()
