"""A case is a function of the set of its ledger lines."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.console.scenes import (
    CANCELLED,
    PARKED,
    RETRYING,
    RUNNING,
    SUPERSEDED,
    Story,
    study,
)

from lucidray.console.fold import fold
from lucidray.console.view import CaseView, State
from lucidray.core.case import quality_flag
from lucidray.core.errors import Permanent, Transient
from lucidray.v1.events_pb2 import CaseState, LedgerEvent

GAP = Permanent("series of role 'CT'", "2 slices are missing", "re-send the series")
DOWN = Transient("destination 'pacs'", "it does not answer", "it is tried again")


def states(view: CaseView) -> dict[str, str]:
    return {step.step: step.state for step in view.steps}


def test_open_case_runs_its_first_step() -> None:
    view = fold(Story(urgent=True).events)
    assert (view.state, view.next_step, view.priority) == (State.RUNNING, "deidentify", "urgent")
    assert states(view)["deidentify"] == "running"
    assert set(states(view).values()) == {"running", "pending"}


def test_completed_case() -> None:
    story = Story().run("deliver")
    view = fold(story.events)
    assert view.state == State.COMPLETED
    assert set(states(view).values()) == {"done"}
    assert view.seconds == pytest.approx(2.0 * 9)
    assert view.opened_at < view.updated_at
    assert [step.zone for step in view.steps][-2:] == ["clinical", "clinical"]
    assert dict(view.steps[4].bundles) == {"sts-metastasis": "ab" * 32}


def long_story() -> Story:
    """Failure, retry by dispatch, retry by a person, recomputation, a skipped step."""
    story = Story().run("deidentify")
    story.fail(RETRYING, DOWN)
    story._tick()
    story.send()
    story.fail(PARKED, GAP)
    story.retry("harmonize")
    story.run("quantify")
    story.skip(quality_flag("predict", "step-skipped", "predict was left out"))
    story.run("deliver")
    story.retry("quantify", recompute=True)
    story.finish()
    return story


LONG = long_story().events


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(len(LONG))), st.lists(st.integers(0, len(LONG) - 1), max_size=10))
def test_order_and_repetition_do_not_matter(order: list[int], repeated: list[int]) -> None:
    assert fold([LONG[at] for at in [*order, *repeated]]) == fold(LONG)


def test_long_story_ends_where_it_should() -> None:
    view = fold(LONG)
    assert (view.state, view.next_step, view.generation) == (State.RUNNING, "predict", 1)
    assert states(view)["harmonize"] == "done"
    assert states(view)["quantify"] == "done"
    assert states(view)["predict"] == "running"
    assert states(view)["deliver"] == "pending"
    assert view.quality == []  # those of the steps that run again are gone


def test_skipped_step_is_shown_with_its_reason() -> None:
    story = Story().run("quantify")
    story.skip(quality_flag("predict", "step-skipped", "predict was left out: no bundle"))
    view = fold(story.events)
    assert states(view)["predict"] == "skipped"
    assert [(flag.code, flag.warning) for flag in view.quality] == [("step-skipped", True)]


def test_steps_named_as_skipped_are() -> None:
    story = Story().run("quantify")
    event = story.skip(quality_flag("predict", "step-skipped", "predict was left out"))
    event.skipped.append("explain")
    assert states(fold(story.events))["explain"] == "skipped"


def test_parked_case_names_cause_and_remedy_and_the_step() -> None:
    story = Story().run("deidentify")
    story.fail(PARKED, GAP)
    view = fold(story.events)
    assert (view.thing, view.cause, view.remedy) == (GAP.thing, GAP.cause, GAP.remedy)
    assert states(view)["harmonize"] == "failed"


def test_a_retry_clears_the_problem() -> None:
    story = Story().run("deidentify")
    story.fail(PARKED, GAP)
    story.retry("harmonize")
    view = fold(story.events)
    assert (view.state, view.cause) == (State.RUNNING, "")
    assert states(view)["harmonize"] == "running"


def test_a_step_with_a_slow_clock_does_not_move_the_case_backwards() -> None:
    story = Story().run("quantify")
    late = story.events[-2]  # segment, told by a machine whose clock is ahead
    late.at.FromDatetime(story.now + timedelta(minutes=5))
    late.finished.finished_at.FromDatetime(story.now + timedelta(minutes=5))
    view = fold(story.events)
    assert (view.step, view.next_step) == ("quantify", "predict")


def test_an_opening_with_a_fast_clock_comes_first_all_the_same() -> None:
    story = Story().run("segment")
    story.events[0].at.FromDatetime(story.now + timedelta(minutes=5))
    view = fold(story.events)
    assert states(view)["segment"] == "done"
    assert view.next_step == "quantify"


@pytest.mark.parametrize("end", [CANCELLED, SUPERSEDED])
def test_a_step_that_ends_after_the_case_was_stopped_changes_no_state(end: CaseState) -> None:
    story = Story().run("segment")
    story.dispatch_says(end)
    story.finish()
    view = fold(story.events)
    assert view.state == State.of(end)
    assert states(view)["quantify"] == "done"  # the work itself is shown


def test_a_completed_case_can_be_superseded() -> None:
    story = Story().run("deliver")
    story.dispatch_says(SUPERSEDED)
    assert fold(story.events).state == State.SUPERSEDED


def test_without_the_opening_line_steps_follow_the_catalogue() -> None:
    story = Story().run("segment")
    events = story.events[1:]
    random.Random(1).shuffle(events)
    view = fold(events)
    assert [step.step for step in view.steps] == ["deidentify", "harmonize", "segment", "quantify"]
    assert view.next_step == "quantify"


def test_a_step_of_the_hospitals_own_is_shown() -> None:
    story = Story(slip=["deidentify", "harmonize"])
    story.events[0].slip.insert(1, "second-opinion")
    assert [step.step for step in fold(story.events).steps] == ["deidentify", "second-opinion", "harmonize"]


def test_a_verdict_on_a_study_stands_until_the_next() -> None:
    held = study(1, CaseState.CASE_STATE_HELD, 1, GAP)
    collecting = study(1, CaseState.CASE_STATE_COLLECTING)
    collecting.at.seconds += 60
    view = fold([held, collecting])
    assert (view.kind, view.state, view.cause) == ("study", State.HELD, GAP.cause)
    unmatched = study(1, CaseState.CASE_STATE_UNMATCHED, 2)
    unmatched.at.seconds += 90
    assert fold([held, collecting, unmatched]).state == State.UNMATCHED


def test_a_state_of_a_later_release_is_not_an_error() -> None:
    story = Story()
    event = LedgerEvent.FromString(story.events[0].SerializeToString())
    event.event_id = "later"
    event.ClearField("state")
    strange = LedgerEvent.FromString(event.SerializeToString() + b"\x38\x63")  # field 7, value 99
    assert fold([*story.events, strange]).case_id == story.case.case_id


def test_a_clock_beyond_all_years_is_not_an_error() -> None:
    story = Story()
    story.events[0].at.seconds = 10**15
    assert fold(story.events).state == State.of(RUNNING)


def test_a_state_of_a_later_release_gives_way_to_what_dispatch_says_of_it() -> None:
    story = Story().run("deidentify")
    story.fail(99, GAP)  # type: ignore[arg-type]  # open enumerations keep what they do not know
    assert fold(story.events).state == State.UNSPECIFIED
    story.fail(PARKED, GAP)  # dispatch says it in the step's name
    view = fold(story.events)
    assert (view.state, view.cause, states(view)["harmonize"]) == (State.PARKED, GAP.cause, "failed")
