"""Group commit."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lucidray.bus import TopicSpec
from lucidray.bus.sqlite import SqliteBus, log, writer
from lucidray.bus.sqlite.writer import Writer
from lucidray.core.errors import Transient


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SqliteBus]:
    with SqliteBus(tmp_path / "bus.db") as bus:
        bus.ensure_topics([TopicSpec("topic", 1)])
        yield bus


@pytest.fixture
def shared(bus: SqliteBus, tmp_path: Path) -> Iterator[Writer]:
    """The writer that the bus uses."""
    shared = Writer.shared(tmp_path / "bus.db", 1e9)
    yield shared
    shared.release()


class Gate:
    """Holds the writer inside a transaction, so that what comes meanwhile gathers."""

    def __init__(self, shared: Writer) -> None:
        self._shared = shared
        self._entered, self._leave = threading.Event(), threading.Event()

    def _hold(self, _connection: sqlite3.Connection) -> None:
        self._entered.set()
        assert self._leave.wait(30)

    def __enter__(self) -> None:
        self._thread = threading.Thread(target=self._shared.run, args=[self._hold])
        self._thread.start()
        assert self._entered.wait(30)

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()


def test_who_waits_at_the_same_time_shares_a_commit(
    bus: SqliteBus, shared: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    append = log.append

    def counting(connection: sqlite3.Connection, records: list[log.NewRecord], stored_at: float) -> None:
        sizes.append(len(records))
        append(connection, records, stored_at)

    monkeypatch.setattr(writer, "append", counting)
    sent = threading.Barrier(21)

    def send(_: int) -> None:
        producer = bus.producer()
        producer.send("topic", b"value")
        sent.wait(30)
        producer.flush()

    with ThreadPoolExecutor(20) as pool:
        with Gate(shared):
            running = pool.map(send, range(20))
            sent.wait(30)
        list(running)
    assert sizes == [0, 20]  # the gate's own transaction, and one for all


def test_flush_returns_only_when_the_record_is_stored(bus: SqliteBus, shared: Writer) -> None:
    with bus.producer() as producer, ThreadPoolExecutor(1) as pool:
        with Gate(shared):
            producer.send("topic", b"value")
            flushing = pool.submit(producer.flush)
            assert bus.lag("group", ["topic"]) == {("topic", 0): 0}
            assert not flushing.done()
        flushing.result(30)
        assert bus.lag("group", ["topic"]) == {("topic", 0): 1}


def test_a_full_disk_fails_every_thread_whose_record_it_took(bus: SqliteBus, shared: Writer) -> None:
    shared._connection.execute("PRAGMA max_page_count = 30")
    sent = threading.Barrier(2)

    def send() -> None:
        producer.send("topic", bytes(200_000))
        sent.wait(30)
        producer.flush()

    with ThreadPoolExecutor(2) as pool:
        producer = bus.producer()
        for outcome in [pool.submit(send), pool.submit(send)]:
            with pytest.raises(Transient, match="disk is full"):
                outcome.result(30)
    shared._connection.execute("PRAGMA max_page_count = 100000")
    producer.send("topic", b"there is room again")
    producer.close()
    assert bus.lag("group", ["topic"]) == {("topic", 0): 1}


def test_an_action_that_fails_undoes_nothing_of_others(bus: SqliteBus, shared: Writer) -> None:
    def fail(_connection: sqlite3.Connection) -> None:
        raise LookupError("mine")

    with ThreadPoolExecutor(1) as pool, bus.producer() as producer:
        with Gate(shared):
            failing = pool.submit(shared.run, fail)
            producer.send("topic", b"value")
        with pytest.raises(LookupError, match="mine"):
            failing.result(30)
    assert bus.lag("group", ["topic"]) == {("topic", 0): 1}


def test_senders_wait_when_a_batch_is_full(bus: SqliteBus, shared: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BATCH_RECORDS", 3)
    with bus.producer() as producer, ThreadPoolExecutor(1) as pool:
        with Gate(shared):
            for _ in range(3):
                producer.send("topic", b"value")
            waiting = pool.submit(producer.send, "topic", b"value")
            time.sleep(0.05)
            assert not waiting.done()
        waiting.result(30)
    assert bus.lag("group", ["topic"]) == {("topic", 0): 4}


def test_buses_of_one_process_share_the_writer_and_the_last_one_ends_it(tmp_path: Path) -> None:
    with SqliteBus(tmp_path / "bus.db") as one:
        with SqliteBus(tmp_path / "." / "bus.db") as other:
            assert one._writer is other._writer
        one.ensure_topics([TopicSpec("topic", 1)])
        one.producer().send("topic", b"not flushed")
    with pytest.raises(RuntimeError, match="closed"):
        one.ensure_topics([TopicSpec("topic", 1)])
    with SqliteBus(tmp_path / "bus.db") as again:
        assert again.lag("group", ["topic"]) == {("topic", 0): 1}  # what was handed in was written


def test_old_records_go_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "TRIM_EVERY_SECONDS", 0.01)
    with SqliteBus(tmp_path / "bus.db", retention_days=1e-9) as bus:
        bus.ensure_topics([TopicSpec("topic", 1)])
        with bus.consumer("group", ["topic"]) as consumer, bus.producer() as producer:
            producer.send("topic", b"value")
            producer.flush()
            record = consumer.poll(30)[0]
            consumer.commit({record.source: 1})
        deadline = time.monotonic() + 30
        while bus._connection.execute("SELECT count(*) FROM record").fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    with SqliteBus(tmp_path / "bus.db") as bus:
        assert bus.trim(time.time()) == 0
