"""One look at the file serves all consumers of a process."""

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lucidray.bus.base import TopicSpec
from lucidray.bus.sqlite import SqliteBus, consumer, watch
from lucidray.bus.sqlite.watch import Watch

CONSUMERS = 10
POLL_SECONDS = 0.25
POLLS = 4


def counted(connect: Callable[..., sqlite3.Connection], looks: list[str]) -> Callable[..., sqlite3.Connection]:
    def connected(path: Path, **options: Any) -> sqlite3.Connection:
        connection = connect(path, **options)
        connection.set_trace_callback(lambda said: looks.append(said) if "data_version" in said else None)
        return connection

    return connected


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "bus-watch"]


def test_idle_consumers_do_not_look_each_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    for module in (consumer, watch):
        monkeypatch.setattr(module, "connect", counted(module.connect, looks))
    with ExitStack() as stack:
        bus = stack.enter_context(SqliteBus(tmp_path / "bus.db"))
        bus.ensure_topics([TopicSpec("t", CONSUMERS)])
        consumers = [stack.enter_context(bus.consumer(f"g{number}", ["t"])) for number in range(CONSUMERS)]
        pool = stack.enter_context(ThreadPoolExecutor(CONSUMERS))
        for _ in range(POLLS):
            list(pool.map(lambda each: each.poll(POLL_SECONDS), consumers))
        assert len(watchers()) == 1
    assert watchers() == []
    most = POLLS * POLL_SECONDS / watch.LONGEST_SLEEP  # of one that looks as rarely as it may
    assert len(looks) < most * CONSUMERS / 2


def test_records_are_found_though_the_watch_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watch, "_run", lambda _: None)
    with SqliteBus(tmp_path / "bus.db") as bus:
        bus.ensure_topics([TopicSpec("t", 1)])
        with bus.consumer("g", ["t"]) as reader, bus.producer() as producer:
            assert reader.poll(0.1) == []
            producer.send("t", b"x")
            producer.flush()
            assert [record.value for record in reader.poll(0.1)] == [b"x"]


def test_a_watch_that_rested_sees_what_came_meanwhile(tmp_path: Path) -> None:
    with SqliteBus(tmp_path / "bus.db") as bus:
        bus.ensure_topics([TopicSpec("t", 1)])
        with bus.consumer("g", ["t"]) as reader, bus.producer() as producer:
            reader.poll(0.1)
            time.sleep(0.1)  # nobody waits
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(reader.poll, 20.0)
                producer.send("t", b"x")
                producer.flush()
                assert [record.value for record in waiting.result(10)] == [b"x"]


def test_heartbeats_wake_nobody(tmp_path: Path) -> None:
    with SqliteBus(tmp_path / "bus.db", lease=0.2) as bus:  # renewed 25 times a second
        bus.ensure_topics([TopicSpec("t", 1)])
        with bus.consumer("g", ["t"]) as reader, bus.producer() as producer:
            reader.poll(0.3)
            before = bus._writer.watch.changes
            reader.poll(0.5)
            assert bus._writer.watch.changes == before
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(reader.poll, 20.0)
                producer.send("t", b"x")
                producer.flush()
                assert waiting.result(10)
            assert bus._writer.watch.changes > before
