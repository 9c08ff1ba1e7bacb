"""The tables: idempotent, commutative, rebuilt from the topic."""

import random
import threading

import pytest
from tests.console.scenes import CANCELLED, PARKED, SITE_KEY, Stage, Story, study

from lucidray.console.follower import GROUP, Follower
from lucidray.console.projection import Projection
from lucidray.console.view import State
from lucidray.console.worklist import Query, Unknown
from lucidray.core import topics
from lucidray.core.errors import Permanent
from lucidray.v1.events_pb2 import CaseState, LedgerEvent

COLLECTING = CaseState.CASE_STATE_COLLECTING
HELD = CaseState.CASE_STATE_HELD
TWO = Permanent("input 'CT'", "two series match", "narrow its `select`")


def follow(stage: Stage, polls: int = 3) -> Follower:
    """A follower that took what is on the topic and left."""
    follower = Follower(stage.bus, Projection(stage.engine), threading.Event())
    with stage.bus.consumer(GROUP, [topics.LEDGER]) as consumer:
        for _ in range(polls):
            follower.catch_up(consumer)
    return follower


def test_repeated_lines_are_taken_once(stage: Stage) -> None:
    events = Story().run("segment").events
    assert stage.hear(*events, events[0]) == len(events)
    before = stage.worklist.case(events[0].case_id)
    assert stage.hear(*events) == 0
    assert stage.worklist.case(events[0].case_id) == before


def test_any_order_in_any_batches_gives_the_same(stage: Stage) -> None:
    events = Story(1).run("deliver").events + Story(2).run("segment").events
    random.Random(4).shuffle(events)
    for event in events:
        stage.hear(event)
    assert stage.worklist.case(f"c{1:024x}").state == State.COMPLETED
    assert stage.worklist.case(f"c{2:024x}").next_step == "quantify"


def test_what_is_not_a_line_does_not_stop_the_reader(stage: Stage) -> None:
    story = Story()
    hostile = LedgerEvent(event_id="1", case_id="../../<script>")
    bodies = [b"\xff\xff", b"", hostile.SerializeToString(), story.events[0].SerializeToString()]
    assert stage.projection.take(bodies) == 1
    assert stage.worklist.find(Query()).total == 1


def test_unknown_case(stage: Stage) -> None:
    with pytest.raises(Unknown):
        stage.worklist.case("c0")


def test_study_is_hidden_once_it_is_a_case(stage: Stage) -> None:
    stage.hear(study(1, COLLECTING))
    assert [case.state for case in stage.worklist.find(Query()).cases] == [State.COLLECTING]
    stage.hear(*Story(1).events)
    assert [case.kind for case in stage.worklist.find(Query()).cases] == ["case"]
    assert stage.worklist.counts() == {State.RUNNING: 1}


def test_study_held_by_a_second_workflow_stays_beside_the_case_of_the_first(stage: Stage) -> None:
    stage.hear(*Story(1).events, study(1, HELD, 1, TWO))
    assert {case.state for case in stage.worklist.find(Query()).cases} == {State.RUNNING, State.HELD}


def test_study_held_in_an_earlier_version_is_hidden_by_the_next(stage: Stage) -> None:
    stage.hear(study(1, HELD, 1, TWO), *Story(1, version=2).events)
    assert [case.kind for case in stage.worklist.find(Query()).cases] == ["case"]


def test_queries(stage: Stage) -> None:
    parked = Story(2).run("deidentify")
    parked.fail(PARKED, TWO)
    stage.hear(*Story(1).run("deliver").events, *parked.events, study(3, COLLECTING))
    find = stage.worklist.find
    assert [case.case_id for case in find(Query(states=[State.PARKED])).cases] == [parked.case.case_id]
    assert find(Query(prefix=parked.case.case_id[:25])).total == 1
    assert find(Query(prefix=parked.case.study_key)).total == 1
    assert find(Query(prefix="%")).total == 0
    assert find(Query(prefix="_")).total == 0
    assert find(Query(patient_key=SITE_KEY.patient("PATIENT-2"))).total == 1
    page = find(Query(limit=1, offset=1))
    assert (page.total, len(page.cases)) == (3, 1)
    assert stage.worklist.counts() == {State.COMPLETED: 1, State.PARKED: 1, State.COLLECTING: 1}


def test_changes_since_a_revision(stage: Stage) -> None:
    one, two = Story(1), Story(2)
    stage.hear(*one.events)
    before = stage.worklist.revision()
    assert stage.worklist.changed(before) == (before, [])
    stage.hear(*two.events)
    number, cases = stage.worklist.changed(before)
    assert number > before
    assert [case.case_id for case in cases] == [two.case.case_id]


def test_refold_makes_the_same_again(stage: Stage) -> None:
    stage.hear(*Story(1).run("deliver").events, study(3, COLLECTING))
    before = stage.worklist.find(Query())
    assert stage.projection.refold() == 2
    assert stage.worklist.find(Query()) == before


def test_follower_continues_at_its_offset(stage: Stage) -> None:
    story = Story().run("deidentify")
    stage.publish(*story.events)
    follow(stage)
    assert stage.worklist.case(story.case.case_id).next_step == "harmonize"
    assert sum(stage.bus.lag(GROUP, [topics.LEDGER]).values()) == 0
    stage.publish(story.finish())
    assert sum(stage.bus.lag(GROUP, [topics.LEDGER]).values()) == 1
    follow(stage)
    assert stage.worklist.case(story.case.case_id).next_step == "segment"


def test_rebuild_reads_the_topic_from_its_start(stage: Stage) -> None:
    story = Story().run("deliver")
    stage.publish(*story.events)
    follow(stage)
    before = stage.worklist.find(Query())
    stage.projection.clear()
    assert stage.worklist.find(Query()).total == 0
    follow(stage)
    assert stage.worklist.find(Query()) == before
    assert sum(stage.bus.lag(GROUP, [topics.LEDGER]).values()) == 0


def test_cancelled_case_keeps_its_cause(stage: Stage) -> None:
    story = Story().run("segment")
    story.dispatch_says(CANCELLED)
    stage.hear(*story.events)
    case = stage.worklist.case(story.case.case_id)
    assert (case.state, case.cause) == (State.CANCELLED, "cancelled by console")
