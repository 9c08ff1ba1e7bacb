"""`make bench-bus`: what the SQLite bus costs beside SQLite itself, measured in the same run.

The bound of throughput is one connection that inserts ready rows, 50 a transaction, with
``synchronous=FULL``; the bound of latency is one such insert and commit. Both pay for the
disk's sync and for SQLite, and for nothing of ours: threads, partitions, offsets, headers.
"""

import math
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from tests.bench.table import Row, compare, report

from lucidray.bus import BusSettings, TopicSpec, open_bus

VALUE = os.urandom(1_000)
PER_TRANSACTION = 50
PRODUCERS = 8
ROUNDS = 5
ROUND_SECONDS = 0.7
DELIVERIES = 20  # of a round
IDLE_SECONDS = 0.02  # until the consumer waits
PER_SECOND = {"ms": 1e3, "us/record": 1e6}


def raw(stack: ExitStack, folder: Path, per_transaction: int) -> Callable[[], float]:
    """SQLite itself; seconds per record."""
    file = Path(tempfile.mkdtemp(dir=folder)) / "raw.db"
    connection = stack.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE record (id INTEGER PRIMARY KEY, value BLOB)")

    def once() -> float:
        count, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < ROUND_SECONDS:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO record (value) VALUES (?)", [(VALUE,)] * per_transaction)
            connection.execute("COMMIT")
            count += per_transaction
        return elapsed / count

    return once


def producers(stack: ExitStack, folder: Path, threads: int, per_flush: int) -> Callable[[], float]:
    """Threads with a producer each that send and flush; seconds per record, all together."""
    bus = stack.enter_context(open_bus(BusSettings(kind="sqlite", path=Path(tempfile.mkdtemp(dir=folder)) / "bus.db")))
    bus.ensure_topics([TopicSpec("bench", 4)])
    pool = stack.enter_context(ThreadPoolExecutor(threads))

    def produce(end: float) -> int:
        count = 0
        with bus.producer() as producer:
            while time.perf_counter() < end:
                for _ in range(per_flush):
                    producer.send("bench", VALUE)
                producer.flush()
                count += per_flush
        return count

    def once() -> float:
        start = time.perf_counter()
        counts = pool.map(produce, [start + ROUND_SECONDS] * threads)
        total = sum(counts)
        return (time.perf_counter() - start) / total

    return once


def delivery(stack: ExitStack, folder: Path) -> Callable[[], float]:
    """Median seconds from `send` to the `poll` of another thread that returns the record, one at a time."""
    bus = stack.enter_context(open_bus(BusSettings(kind="sqlite", path=folder / "delivery.db")))
    bus.ensure_topics([TopicSpec("bench", 1)])
    consumer = stack.enter_context(bus.consumer("bench", ["bench"]))
    producer, pool = stack.enter_context(bus.producer()), stack.enter_context(ThreadPoolExecutor(1))
    consumer.poll(0)

    def once() -> float:
        times = []
        for _ in range(DELIVERIES):
            waiting = pool.submit(lambda: (consumer.poll(5.0), time.perf_counter())[1])
            time.sleep(IDLE_SECONDS)
            start = time.perf_counter()
            producer.send("bench", VALUE)
            times.append(waiting.result() - start)
        return statistics.median(times)

    return once


def beside(
    figure: str, unit: str, ours: Callable[[], float], bound: Callable[[], float], bound_name: str, goal: float
) -> Row:
    """Measure both in turn, round by round, so that a busy moment hits both."""
    scale = PER_SECOND[unit]
    pairs = [(ours() * scale, bound() * scale) for _ in range(ROUNDS)]
    mine, other = ([pair[at] for pair in pairs] for at in (0, 1))
    return compare(figure, mine, unit, bound_name, other, at_most=goal)


def main() -> None:
    """Run and report."""
    where = os.environ.get("LUCIDRAY_BENCH_DIR")  # on the disk to be measured
    with tempfile.TemporaryDirectory(prefix="bench-bus-", dir=where) as name, ExitStack() as stack:
        folder = Path(name)
        fifty, single = raw(stack, folder, PER_TRANSACTION), raw(stack, folder, 1)
        fifty_name, single_name = f"sqlite3, {PER_TRANSACTION} a transaction", "sqlite3, 1 a transaction"
        streams = producers(stack, folder, PRODUCERS, PER_TRANSACTION)
        crowd = producers(stack, folder, PER_TRANSACTION, 1)
        alone = producers(stack, folder, 1, 1)
        waited = beside("send to poll, idle consumer", "ms", delivery(stack, folder), single, single_name, math.inf)
        rows = [
            beside(f"{PRODUCERS} producers, {PER_TRANSACTION} a flush", "us/record", streams, fifty, fifty_name, 3.0),
            beside(f"{PER_TRANSACTION} producers, 1 a flush", "us/record", crowd, single, single_name, 1.0),
            beside("one send and flush", "ms", alone, single, single_name, 2.5),
            replace(waited, goal="none"),
        ]
    report("bus", rows)


if __name__ == "__main__":
    main()
