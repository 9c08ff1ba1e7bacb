"""What a worker decides."""

import pytest

from lucidray.core.errors import NoCompatibleWorker, Permanent, Refused, Transient
from lucidray.core.worker import (
    BACKOFF_CAP_SECONDS,
    MAX_DEATHS,
    SKIP_AFTER_SECONDS,
    Action,
    ParkedLimit,
    after_failure,
    backoff_seconds,
    died,
)
from lucidray.v1.case_pb2 import OnFailure, SlipEntry

DAY = 86400.0
WHAT = ("thing", "cause", "remedy")
PARK = SlipEntry(step="segment", on_failure=OnFailure.ON_FAILURE_PARK)
SKIP = SlipEntry(step="explain", on_failure=OnFailure.ON_FAILURE_SKIP)


@pytest.mark.parametrize(
    ("error", "entry", "failing_seconds", "action"),
    [
        (Transient(*WHAT), PARK, 0, Action.RETRY),
        (Transient(*WHAT), PARK, DAY - 1, Action.RETRY),
        (Transient(*WHAT), PARK, DAY, Action.PARK),
        (Transient(*WHAT), SKIP, SKIP_AFTER_SECONDS - 1, Action.RETRY),
        (Transient(*WHAT), SKIP, SKIP_AFTER_SECONDS, Action.SKIP),
        (NoCompatibleWorker(*WHAT), PARK, 0, Action.RETRY),
        (Permanent(*WHAT), PARK, 0, Action.PARK),
        (Permanent(*WHAT), SKIP, 0, Action.SKIP),
        (Refused(*WHAT), PARK, 0, Action.QUARANTINE),
        (Refused(*WHAT), SKIP, 0, Action.QUARANTINE),
    ],
)
def test_after_failure(error: Permanent, entry: SlipEntry, failing_seconds: float, action: Action) -> None:
    assert after_failure(error, entry, failing_seconds, DAY) is action


def test_backoff_doubles_up_to_a_cap() -> None:
    delays = [backoff_seconds(attempt) for attempt in range(1, 12)]
    assert delays[:4] == [2, 4, 8, 16]
    assert delays[-1] == BACKOFF_CAP_SECONDS == backoff_seconds(100_000)


def test_a_death_is_chance_until_it_repeats() -> None:
    assert isinstance(died("segment", MAX_DEATHS - 1), Transient)
    last = died("segment", MAX_DEATHS)
    assert isinstance(last, Permanent)
    assert "3 times" in last.cause


def test_parked_limit_stops_after_so_many_in_a_row() -> None:
    limit = ParkedLimit(consecutive=3)
    for parked in (True, True, False, True, True):
        limit = limit.after(parked=parked)
        assert not limit.exceeded
    assert limit.after(parked=True).exceeded


def test_parked_limit_stops_at_a_ratio() -> None:
    limit = ParkedLimit(consecutive=100, ratio=0.5, window=10)
    for number in range(10):
        limit = limit.after(parked=number % 5 != 0)
    assert limit.exceeded
