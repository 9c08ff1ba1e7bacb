"""From the lines of the ledger about one case to what the case is.

A pure function of the set of lines: their order of arrival does not matter, nor does a line
that comes twice. Lines are put in order by generation and time. The clocks of machines differ,
so time alone does not decide: a step's word counts only if it is at least as far along the slip
as what is known, until dispatch sends the case back.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

from google.protobuf.timestamp_pb2 import Timestamp

from lucidray.console.view import ENDED, EPOCH, CaseView, FlagView, Kind, State, StepState, StepView
from lucidray.contracts.catalogue import STEPS
from lucidray.v1.case_pb2 import Outcome, Priority, Severity, Zone
from lucidray.v1.events_pb2 import LedgerEvent

_FAILED: dict[State, StepState] = {
    State.RETRYING: "retrying",
    State.PARKED: "failed",
    State.QUARANTINED: "failed",
}
_ZONES: dict[int, Literal["clinical", "analysis"]] = {
    Zone.ZONE_CLINICAL: "clinical",
    Zone.ZONE_ANALYSIS: "analysis",
}
_VERDICTS = (State.HELD, State.UNMATCHED, State.REFUSED)
_KINDS: dict[str, Kind] = {"s": "study", "r": "refused"}


def fold(events: Iterable[LedgerEvent]) -> CaseView:
    """What `events`, at least one and all of one case, say together."""
    unique = {event.event_id: event for event in events}.values()
    # The opening comes first, whatever the clocks say.
    opening = min((event for event in unique if _is_sent(event)), key=_order, default=None)
    ordered = sorted(unique, key=lambda event: (event is not opening, *_order(event)))
    case = _Fold(ordered)
    for event in ordered:
        case.take(event)
    return case.view()


def _order(event: LedgerEvent) -> tuple[int, datetime, str]:
    # A step's end is noted before the case is handed on, the line about it is made after.
    ended = event.HasField("finished")
    return event.generation, _utc(event.finished.finished_at if ended else event.at), event.event_id


def _is_sent(event: LedgerEvent) -> bool:
    """Whether dispatch sends the case to a step: when it opens, and for each retry."""
    return event.step == "dispatch" and State.of(event.state) == State.RUNNING


def _utc(stamp: Timestamp) -> datetime:
    try:
        return stamp.ToDatetime(UTC)
    except (ValueError, OverflowError):  # a broken clock must not stop the projection
        return EPOCH


def _slip(events: Sequence[LedgerEvent]) -> list[str]:
    """Steps in order: as the case opened, or while that line is missing in the order of the catalogue."""
    known = max((list(event.slip) for event in events), key=len, default=[])
    seen = {name for event in events for name in (event.finished.entry.step, event.next_step, *event.skipped)}
    catalogue = list(STEPS)
    others = sorted(
        (name for name in seen if name and name not in known and name != "select"),
        key=lambda name: (catalogue.index(name) if name in catalogue else len(catalogue), name),
    )
    return known + others


class _Fold:
    """The case so far."""

    def __init__(self, events: Sequence[LedgerEvent]) -> None:
        self._names = _slip(events)
        self._steps = {name: StepView(step=name) for name in self._names}
        self._quality: dict[tuple[str, str, str], FlagView] = {}
        self._place = -math.inf  # along the slip; a step that has finished is at its index + 1
        self._generation = 0
        first = events[0]
        self._kind: Kind = _KINDS.get(first.case_id[:1], "case")
        times = [_utc(event.at) for event in events]
        self._view = CaseView(case_id=first.case_id, kind=self._kind, opened_at=min(times), updated_at=max(times))

    def take(self, event: LedgerEvent) -> None:
        state = State.of(event.state)
        self._identify(event)
        if self._kind != "case":
            if state != State.COLLECTING or self._view.state not in _VERDICTS:  # a verdict stands until the next
                self._say(event, state)
            return
        sent_back = _is_sent(event)
        if sent_back or event.generation > self._generation:
            self._clear_from(self._index(event.next_step if sent_back else event.step))
        self._generation = event.generation
        self._finish(event)
        place = self._place_of(event, state)
        if sent_back or place >= self._place:
            self._place = place
            self._say(event, state)

    def view(self) -> CaseView:
        """The case after the last line."""
        at = self._view.next_step
        if self._view.state == State.RUNNING and at in self._steps and self._steps[at].state == "pending":
            self._change(at, state="running")
        steps = [self._steps[name] for name in self._names]
        return self._view.model_copy(update={"steps": steps, "quality": list(self._quality.values())})

    def _identify(self, event: LedgerEvent) -> None:
        found = {
            name: getattr(event, name)
            for name in ("study_key", "study_version", "patient_key", "workflow")
            if getattr(event, name)
        }
        if self._kind == "study":
            found["study_version"] = max(event.study_version, self._view.study_version)
        if event.priority:
            found["priority"] = "urgent" if event.priority == Priority.PRIORITY_URGENT else "routine"
        self._view = self._view.model_copy(update={**found, "generation": event.generation})

    def _say(self, event: LedgerEvent, state: State) -> None:
        said = {name: getattr(event, name) for name in ("step", "next_step", "thing", "cause", "remedy")}
        self._view = self._view.model_copy(update={**said, "state": state})
        if state in _FAILED and event.step in self._steps:
            self._change(event.step, state=_FAILED[state])

    def _index(self, step: str) -> int:
        return self._names.index(step) if step in self._steps else len(self._names)

    def _place_of(self, event: LedgerEvent, state: State) -> float:
        if state in ENDED:
            return math.inf
        if event.step == "dispatch":
            return self._index(event.next_step)
        if event.step not in self._steps:
            return self._place
        return self._index(event.step) + (1.0 if event.HasField("finished") else 0.5)

    def _clear_from(self, index: int) -> None:
        again = set(self._names[index:])
        for name in again:
            self._steps[name] = StepView(step=name)
        self._quality = {key: flag for key, flag in self._quality.items() if flag.step not in again}

    def _finish(self, event: LedgerEvent) -> None:
        """Note the step that this line says is finished, whatever the state of the case."""
        for name in event.skipped:
            self._change(name, state="skipped")
        name = event.finished.entry.step
        if name in self._steps:
            done = event.finished
            self._steps[name] = StepView(
                step=name,
                state="skipped" if done.outcome == Outcome.OUTCOME_SKIPPED else "done",
                seconds=done.seconds if math.isfinite(done.seconds) else 0.0,
                finished_at=_utc(done.finished_at),
                zone=_ZONES.get(done.zone, ""),
                step_key=done.step_key,
                algorithm_version=done.entry.algorithm_version,
                bundles={bundle.name: bundle.digest for bundle in done.entry.bundles},
                summary=dict(sorted(event.summary.items())),
            )
        for flag in event.quality:
            warning = flag.severity == Severity.SEVERITY_WARNING
            view = FlagView(step=flag.step, code=flag.code, message=flag.message, warning=warning)
            self._quality[flag.step, flag.code, flag.message] = view

    def _change(self, name: str, *, state: StepState) -> None:
        if name in self._steps:
            self._steps[name] = self._steps[name].model_copy(update={"state": state})
