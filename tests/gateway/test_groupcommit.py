"""Group commit: every entry once, together with whoever waits, one batch at a time."""

import threading
from collections.abc import Sequence

import pytest
from tests.gateway.node import until

from lucidray.gateway.groupcommit import GroupCommit


def test_those_who_come_while_a_commit_runs_share_the_next() -> None:
    batches: list[list[int]] = []
    first, go = threading.Event(), threading.Event()

    def commit(entries: Sequence[int]) -> list[int]:
        batches.append(list(entries))
        first.set()
        assert go.wait(20)
        return [entry * 10 for entry in entries]

    group = GroupCommit(commit)
    outcomes: dict[int, int] = {}
    threads = [
        threading.Thread(target=lambda entry=entry: outcomes.update({entry: group.submit(entry)})) for entry in range(6)
    ]
    threads[0].start()
    assert first.wait(20)
    for thread in threads[1:]:
        thread.start()
    until(lambda: len(group._waiting) == 5)
    go.set()
    for thread in threads:
        thread.join()
    assert batches[0] == [0]
    assert sorted(batches[1]) == [1, 2, 3, 4, 5]
    assert outcomes == {entry: entry * 10 for entry in range(6)}


def test_a_failure_reaches_all_of_its_batch_and_no_other() -> None:
    def commit(entries: Sequence[str]) -> list[str]:
        if "bad" in entries:
            raise OSError("full")
        return list(entries)

    group = GroupCommit(commit)
    assert group.submit("good") == "good"
    with pytest.raises(OSError, match="full"):
        group.submit("bad")
    assert group.submit("again") == "again"
