"""`make bench-bus`: what the SQLite bus costs beside SQLite itself, measured in the same run.

Prints one table and writes build/bench/bus.json. Exits 1 when a goal is clearly missed.

The bound of throughput is one connection that inserts ready rows, 50 a transaction, with
``synchronous=FULL``; the bound of latency is one such insert and commit. Both pay for the
disk's sync and for SQLite, and for nothing of ours: threads, partitions, offsets, headers.
"""

import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lucidray.bus import BusSettings, TopicSpec, open_bus

VALUE = os.urandom(1_000)
PER_TRANSACTION = 50
PRODUCERS = 8
ROUNDS = 5
ROUND_SECONDS = 0.7
# Goals also hold where a sync costs next to nothing, so that mainly our own Python is seen.
# One is clearly missed beyond this factor: a busy machine moves single runs by tens of per cent.
TOLERANCE = 1.25


@dataclass(frozen=True)
class Figure:
    """One line of the table. The ratio is ours to the bound, in the direction in which more is worse."""

    name: str
    unit: str
    ours: float
    bound: float
    bound_name: str
    ratio: float
    ratio_low: float
    ratio_high: float
    goal: float

    @property
    def missed(self) -> bool:
        """Whether even the best round is beyond the goal."""
        return self.ratio_low > self.goal * TOLERANCE


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


def delivery(folder: Path) -> float:
    """Median seconds from `send` to the `poll` of another thread that returns the record, one at a time."""
    with open_bus(BusSettings(kind="sqlite", path=folder / "delivery.db")) as bus:
        bus.ensure_topics([TopicSpec("bench", 1)])
        with bus.consumer("bench", ["bench"]) as consumer, bus.producer() as producer, ThreadPoolExecutor(1) as pool:
            consumer.poll(0)
            times = []
            for _ in range(100):
                waiting = pool.submit(lambda: (consumer.poll(5.0), time.perf_counter())[1])
                time.sleep(0.02)
                start = time.perf_counter()
                producer.send("bench", VALUE)
                times.append(waiting.result() - start)
    return statistics.median(times)


def compare(
    name: str, unit: str, ours: Callable[[], float], bound: Callable[[], float], bound_name: str, goal: float
) -> Figure:
    """Measure both in turn, round by round, so that a busy moment hits both."""
    pairs = [(ours(), bound()) for _ in range(ROUNDS)]
    ratios = sorted(mine / other for mine, other in pairs)
    median = statistics.median
    seconds = (median(mine for mine, _ in pairs), median(other for _, other in pairs))
    mine, other = [second * 1e3 if unit == "ms" else 1 / second for second in seconds]
    return Figure(name, unit, mine, other, bound_name, median(ratios), ratios[0], ratios[-1], goal)


def main() -> int:
    """Run all; the exit status."""
    where = os.environ.get("LUCIDRAY_BENCH_DIR")  # on the disk to be measured
    with tempfile.TemporaryDirectory(prefix="bench-bus-", dir=where) as name, ExitStack() as stack:
        folder = Path(name)
        fifty, single = raw(stack, folder, PER_TRANSACTION), raw(stack, folder, 1)
        fifty_name, single_name = f"sqlite3, {PER_TRANSACTION} a transaction", "sqlite3, 1 a transaction"
        streams = producers(stack, folder, PRODUCERS, PER_TRANSACTION)
        crowd = producers(stack, folder, PER_TRANSACTION, 1)
        alone = producers(stack, folder, 1, 1)
        figures = [
            compare(f"{PRODUCERS} producers, {PER_TRANSACTION} a flush", "records/s", streams, fifty, fifty_name, 3.0),
            compare(f"{PER_TRANSACTION} producers, 1 a flush", "records/s", crowd, single, single_name, 1.0),
            compare("one send and flush", "ms", alone, single, single_name, 2.5),
        ]
        waited = delivery(folder)
    table = Table(title="SQLite bus, records of 1 kB; ratio: times the bound's cost (median, and range of rounds)")
    for column in ("figure", "ours", "bound", "", "ratio", "goal"):
        table.add_column(column)
    for one in figures:
        ratio = f"{one.ratio:.2f} ({one.ratio_low:.2f} to {one.ratio_high:.2f})"
        goal = f"<= {one.goal:g}{'  MISSED' if one.missed else ''}"
        table.add_row(one.name, f"{one.ours:,.2f} {one.unit}", f"{one.bound:,.2f}", one.bound_name, ratio, goal)
    table.add_row("send to poll, idle consumer", f"{waited * 1e3:,.2f} ms", "", "(no peer)", "", "")
    Console(width=140).print(table)
    output = Path("build/bench/bus.json")
    output.parent.mkdir(parents=True, exist_ok=True)
    figures_json = [{**asdict(one), "missed": one.missed} for one in figures]
    output.write_text(json.dumps({"figures": figures_json, "send_to_poll_ms": waited * 1e3}, indent=2) + "\n")
    return int(any(one.missed for one in figures))


if __name__ == "__main__":
    sys.exit(main())
