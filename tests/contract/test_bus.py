"""What lucidray.bus.base promises, held against each bus."""

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest
from tests.kafka_broker import Broker, kafka_broker

from lucidray.bus import Bus, BusSettings, Consumer, NotOwner, Record, TopicPartition, TopicSpec, open_bus
from lucidray.bus.partitioning import MAX_RECORD_BYTES
from lucidray.core.errors import Permanent

__all__ = ["kafka_broker"]

PARTITIONS = 4
LEASE = 1.5
SESSION_MS = int(1000 * LEASE)
PATIENCE = 40.0
CHILD = Path(__file__).with_name("bus_child.py")


def read(consumer: Consumer, count: int) -> list[Record]:
    """Poll until `count` records came."""
    records: list[Record] = []
    deadline = time.monotonic() + PATIENCE
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} records came"
        records += consumer.poll(0.2)
    return records


def poll_until(done: Callable[[list[Record]], bool], *consumers: Consumer, max_records: int = 500) -> list[Record]:
    """Poll all consumers in turn until what came, or what they own, is as wanted."""
    records: list[Record] = []
    deadline = time.monotonic() + PATIENCE
    while not done(records):
        assert time.monotonic() < deadline, [sorted(consumer.assignment()) for consumer in consumers]
        for consumer in consumers:
            records += consumer.poll(0.05, max_records)
    return records


def owning(count: int, *consumers: Consumer) -> Callable[[list[Record]], bool]:
    """Whether each consumer owns so many partitions."""
    return lambda _: all(len(consumer.assignment()) == count for consumer in consumers)


@contextmanager
def polling(consumer: Consumer) -> Iterator[list[Record]]:
    """Let another thread poll a consumer; what came is in the list."""
    records: list[Record] = []
    stop = threading.Event()

    def poll() -> None:
        while not stop.is_set():
            records.extend(consumer.poll(0.05))

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(poll)
        try:
            yield records
        finally:
            stop.set()
            running.result()


def values(records: Sequence[Record]) -> list[int]:
    """Records that carry numbers, by number."""
    return sorted(int(record.value) for record in records)


class Child:
    """A process that runs bus_child.py."""

    def __init__(self, settings: BusSettings, *arguments: str) -> None:
        fields = settings.model_dump(mode="json", exclude_defaults=True)
        environment = {f"LUCIDRAY_BUS__{name.upper()}": str(value) for name, value in fields.items()}
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def output(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def says(self, line: str) -> None:
        """Wait for its next line."""
        assert self.output.readline().strip() == line

    def ask(self) -> None:
        """Give it the line that it waits for."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        self.output.close()
        assert self.process.stdin is not None
        self.process.stdin.close()


class BusContract(ABC):
    """The promises. Subclasses say which bus."""

    @abstractmethod
    @pytest.fixture
    def settings(self) -> BusSettings:
        """A bus on which a silent member is dead soon."""

    @abstractmethod
    @pytest.fixture
    def patient_settings(self) -> BusSettings:
        """The same bus; a silent member is dead only after more than `PATIENCE`."""

    @pytest.fixture
    def stack(self) -> Iterator[ExitStack]:
        """Closes what a test opened, the last first."""
        with ExitStack() as stack:
            yield stack

    @pytest.fixture
    def bus(self, settings: BusSettings, stack: ExitStack) -> Bus:
        return stack.enter_context(open_bus(settings))

    @pytest.fixture
    def topic(self, bus: Bus) -> str:
        name = f"topic-{uuid.uuid4().hex}"
        bus.ensure_topics([TopicSpec(name, PARTITIONS)])
        return name

    @pytest.fixture
    def group(self) -> str:
        return f"group-{uuid.uuid4().hex}"

    @pytest.fixture
    def child(self, settings: BusSettings, stack: ExitStack) -> Callable[..., Child]:
        def start(*arguments: str) -> Child:
            child = Child(settings, *arguments)
            stack.callback(child.kill)
            return child

        return start

    @staticmethod
    def send_numbers(bus: Bus, topic: str, numbers: Sequence[int], partition: int | None = None) -> None:
        with bus.producer() as producer:
            for number in numbers:
                producer.send(topic, str(number).encode(), partition=partition)

    # Records

    def test_a_record_comes_as_it_was_sent(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        with bus.producer() as producer:
            producer.send(topic, b"\x00\xff", key=b"\xfe\x00", headers={"trace": b"\x00\x80\xff", "other": b""})
            producer.send(topic, b"", partition=1)
        consumer = stack.enter_context(bus.consumer(group, [topic]))
        keyed, plain = sorted(read(consumer, 2), key=lambda record: record.key is None)
        assert (keyed.topic, keyed.key, keyed.value, keyed.offset) == (topic, b"\xfe\x00", b"\x00\xff", 0)
        assert keyed.headers == {"trace": b"\x00\x80\xff", "other": b""}
        assert (plain.key, plain.value, plain.headers, plain.source) == (None, b"", {}, TopicPartition(topic, 1))

    def test_records_of_one_partition_come_in_order(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        with bus.producer() as producer:
            for number in range(300):
                producer.send(topic, f"{number}".encode(), key=f"key-{number % 7}".encode())
                if number == 150:
                    producer.flush()
        records = read(stack.enter_context(bus.consumer(group, [topic])), 300)
        assert values(records) == list(range(300))
        for partition in range(PARTITIONS):
            mine = [record for record in records if record.partition == partition]
            assert [record.offset for record in mine] == list(range(len(mine)))
            assert [int(record.value) for record in mine] == sorted(int(record.value) for record in mine)

    def test_a_key_always_goes_to_the_same_partition(
        self, bus: Bus, topic: str, group: str, child: Callable[..., Child], stack: ExitStack
    ) -> None:
        # Fixed numbers: also the same in every version, and on either bus.
        expected = {"": 1, "a": 0, "study-1": 2, "study-2": 0, "0f3c9a": 2}
        with bus.producer() as producer:
            for key in expected:
                producer.send(topic, b"here", key=key.encode())
        other = child("send", topic, "3", "0f3c9a")
        other.says("flushed")
        records = read(stack.enter_context(bus.consumer(group, [topic])), len(expected) + 3)
        assert {(record.key or b"").decode(): record.partition for record in records} == expected
        assert Counter(record.key for record in records)[b"0f3c9a"] == 4

    def test_without_a_key_partitions_take_turns(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        self.send_numbers(bus, topic, range(3 * PARTITIONS))
        records = read(stack.enter_context(bus.consumer(group, [topic])), 3 * PARTITIONS)
        assert Counter(record.partition for record in records) == dict.fromkeys(range(PARTITIONS), 3)

    def test_a_partition_that_is_not_there_is_refused(self, bus: Bus, topic: str) -> None:
        with bus.producer() as producer, pytest.raises(Permanent, match=f"partition {PARTITIONS} of topic {topic}"):
            producer.send(topic, b"lost", partition=PARTITIONS)

    def test_a_record_too_large_for_a_bus_is_refused(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        with bus.producer() as producer:
            with pytest.raises(Permanent, match="put large content into the store"):
                producer.send(topic, bytes(MAX_RECORD_BYTES), key=b"k")
            producer.send(topic, bytes(MAX_RECORD_BYTES - 1), key=b"k")
        assert len(read(stack.enter_context(bus.consumer(group, [topic])), 1)[0].value) == MAX_RECORD_BYTES - 1

    def test_many_producers_and_threads_lose_and_repeat_nothing(
        self, bus: Bus, topic: str, group: str, stack: ExitStack
    ) -> None:
        shared = stack.enter_context(bus.producer())

        def send(worker: int) -> None:
            own = bus.producer()
            for number in range(20):
                (own if number % 2 else shared).send(topic, f"{worker * 20 + number}".encode())
                if number % 5 == 0:
                    shared.flush()
            shared.flush()
            own.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(send, range(8)))
        records = read(stack.enter_context(bus.consumer(group, [topic])), 160)
        assert values(records) == list(range(160))

    def test_a_waiting_poll_returns_what_arrives(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        consumer = stack.enter_context(bus.consumer(group, [topic]))
        poll_until(owning(PARTITIONS, consumer), consumer)
        assert list(consumer.poll(0)) == []
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(consumer.poll, PATIENCE)
            self.send_numbers(bus, topic, [7])
            assert values(waiting.result()) == [7]

    def test_poll_returns_at_most_max_records(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        self.send_numbers(bus, topic, range(20))
        consumer = stack.enter_context(bus.consumer(group, [topic]))
        sizes: list[int] = []

        def done(records: list[Record]) -> bool:
            sizes.append(len(records))
            return len(records) == 20

        assert values(poll_until(done, consumer, max_records=3)) == list(range(20))
        assert max(after - before for before, after in zip(sizes, sizes[1:], strict=False)) == 3

    # Offsets

    def test_each_group_reads_everything_from_the_start(
        self, bus: Bus, topic: str, group: str, stack: ExitStack
    ) -> None:
        self.send_numbers(bus, topic, range(5))
        for name in (group, f"{group}-other"):
            assert values(read(stack.enter_context(bus.consumer(name, [topic])), 5)) == list(range(5))

    def test_reading_resumes_at_the_committed_offset(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        self.send_numbers(bus, topic, range(10), partition=2)
        with bus.consumer(group, [topic]) as consumer:
            read(consumer, 10)
            consumer.commit({TopicPartition(topic, 2): 4})
        # What was polled and not committed comes again, and nothing that was committed.
        consumer = stack.enter_context(bus.consumer(group, [topic]))
        assert values(read(consumer, 6)) == list(range(4, 10))
        assert list(consumer.poll(0.3)) == []

    def test_lag_counts_what_a_group_has_not_committed(
        self, bus: Bus, topic: str, group: str, stack: ExitStack
    ) -> None:
        everything = {TopicPartition(topic, number): 0 for number in range(PARTITIONS)}
        assert bus.lag(group, [topic]) == everything
        self.send_numbers(bus, topic, range(10), partition=1)
        assert bus.lag(group, [topic]) == everything | {TopicPartition(topic, 1): 10}
        consumer = stack.enter_context(bus.consumer(group, [topic]))
        read(consumer, 10)
        assert bus.lag(group, [topic])[TopicPartition(topic, 1)] == 10
        consumer.commit({TopicPartition(topic, 1): 7})
        assert bus.lag(group, [topic]) == everything | {TopicPartition(topic, 1): 3}
        assert bus.lag(f"{group}-other", [topic])[TopicPartition(topic, 1)] == 10

    def test_seek_reads_again(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        self.send_numbers(bus, topic, range(6), partition=3)
        consumer = stack.enter_context(bus.consumer(group, [topic]))
        read(consumer, 6)
        consumer.seek(TopicPartition(topic, 3), 2)
        assert values(read(consumer, 4)) == [2, 3, 4, 5]
        with pytest.raises(NotOwner):
            consumer.seek(TopicPartition("elsewhere", 0), 2)

    # Groups

    def test_members_share_the_partitions_without_overlap(
        self, bus: Bus, topic: str, group: str, stack: ExitStack
    ) -> None:
        first = stack.enter_context(bus.consumer(group, [topic]))
        poll_until(owning(PARTITIONS, first), first)
        second = stack.enter_context(bus.consumer(group, [topic]))
        before = first.assignment()
        poll_until(owning(PARTITIONS // 2, first, second), first, second)
        assert not first.assignment() & second.assignment()
        assert first.assignment() <= before  # it kept half of what it had, no partition moved twice
        self.send_numbers(bus, topic, range(40))
        with polling(second) as others:
            mine = read(first, 20)
            poll_until(lambda _: len(others) >= 20, first)
        assert values(mine + others) == list(range(40))
        assert {record.source for record in mine} == first.assignment()
        assert {record.source for record in others} == second.assignment()

    def test_members_rebalance_even_if_they_never_wait(
        self, bus: Bus, topic: str, group: str, stack: ExitStack
    ) -> None:
        # As a worker does that is busy with another case: everything paused, brief polls.
        members = [stack.enter_context(bus.consumer(group, [topic])) for _ in range(2)]
        for member in members:
            member.pause_on_assign(True)
        deadline = time.monotonic() + PATIENCE
        while any(len(member.assignment()) != PARTITIONS // 2 for member in members):
            assert time.monotonic() < deadline
            for member in members:
                assert list(member.poll(0)) == []

    def test_a_member_that_closes_is_replaced_at_once(
        self, patient_settings: BusSettings, topic: str, group: str, stack: ExitStack
    ) -> None:
        bus = stack.enter_context(open_bus(patient_settings))
        for name in ("", "named"):  # a stable name is for a crash; who closes gives way
            leaving = bus.consumer(group, [topic], member=name)
            staying = stack.enter_context(bus.consumer(group, [topic]))
            poll_until(owning(PARTITIONS // 2, leaving, staying), leaving, staying)
            leaving.close()
            poll_until(owning(PARTITIONS, staying), staying)
            staying.close()

    def test_a_dead_member_is_replaced_and_its_uncommitted_records_come_again(
        self, bus: Bus, topic: str, group: str, child: Callable[..., Child], stack: ExitStack
    ) -> None:
        self.send_numbers(bus, topic, range(10), partition=0)
        dying = child("hold", topic, group, "10")
        dying.says("holding")
        dying.kill()
        survivor = stack.enter_context(bus.consumer(group, [topic]))
        assert values(read(survivor, 10)) == list(range(10))
        assert len(survivor.assignment()) == PARTITIONS

    def test_slow_work_is_not_death(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        self.send_numbers(bus, topic, range(3), partition=0)
        working = stack.enter_context(bus.consumer(group, [topic]))
        read(working, 3)
        impatient = stack.enter_context(bus.consumer(group, [topic]))
        end = time.monotonic() + 2 * LEASE
        assert poll_until(lambda _: time.monotonic() > end, impatient) == []
        assert not impatient.assignment()
        working.commit({TopicPartition(topic, 0): 3})
        assert bus.lag(group, [topic])[TopicPartition(topic, 0)] == 0

    def test_a_named_member_that_returns_continues_at_once(
        self, patient_settings: BusSettings, bus: Bus, topic: str, group: str, stack: ExitStack
    ) -> None:
        self.send_numbers(bus, topic, range(3), partition=0)
        dying = Child(patient_settings, "hold", topic, group, "3", "worker-0")
        stack.callback(dying.kill)
        dying.says("holding")
        dying.kill()
        patient = stack.enter_context(open_bus(patient_settings))
        again = stack.enter_context(patient.consumer(group, [topic], member="worker-0"))
        assert values(read(again, 3)) == [0, 1, 2]

    def test_a_second_member_of_the_same_name_displaces_the_first(
        self, bus: Bus, topic: str, group: str, stack: ExitStack
    ) -> None:
        self.send_numbers(bus, topic, range(3), partition=0)
        first = stack.enter_context(bus.consumer(group, [topic], member="twin"))
        read(first, 3)
        second = stack.enter_context(bus.consumer(group, [topic], member="twin"))
        assert values(read(second, 3)) == [0, 1, 2]
        with pytest.raises(NotOwner):
            first.commit({TopicPartition(topic, 0): 3})
        with pytest.raises(Permanent, match="same name"):
            poll_until(lambda _: False, first)
        assert bus.lag(group, [topic])[TopicPartition(topic, 0)] == 3

    def test_a_member_that_woke_too_late_cannot_commit(
        self, bus: Bus, topic: str, group: str, child: Callable[..., Child], stack: ExitStack
    ) -> None:
        self.send_numbers(bus, topic, range(2), partition=0)
        frozen = child("hold", topic, group, "2")
        frozen.says("holding")
        frozen.process.send_signal(signal.SIGSTOP)
        successor = stack.enter_context(bus.consumer(group, [topic]))
        read(successor, 2)
        successor.commit({TopicPartition(topic, 0): 1})
        frozen.process.send_signal(signal.SIGCONT)
        frozen.ask()
        frozen.says("not owner")
        assert bus.lag(group, [topic])[TopicPartition(topic, 0)] == 1

    def test_commit_of_a_partition_that_moved_commits_nothing_of_it(
        self, bus: Bus, topic: str, group: str, stack: ExitStack
    ) -> None:
        self.send_numbers(bus, topic, range(4 * PARTITIONS))
        first = stack.enter_context(bus.consumer(group, [topic]))
        read(first, 4 * PARTITIONS)
        second = stack.enter_context(bus.consumer(group, [topic]))
        poll_until(owning(PARTITIONS // 2, first, second), first, second)
        for moved in second.assignment():
            with pytest.raises(NotOwner):
                first.commit({moved: 4})
        kept = next(iter(first.assignment()))
        with polling(second):  # a rebalance that is under way needs every member
            first.commit({kept: 3})
        lag = bus.lag(group, [topic])
        assert lag == {source: 1 if source == kept else 4 for source in lag}

    def test_a_closed_consumer_owns_nothing(self, bus: Bus, topic: str, group: str) -> None:
        self.send_numbers(bus, topic, [1], partition=0)
        consumer = bus.consumer(group, [topic])
        read(consumer, 1)
        consumer.close()
        consumer.close()
        with pytest.raises(NotOwner):
            consumer.commit({TopicPartition(topic, 0): 1})
        assert bus.lag(group, [topic])[TopicPartition(topic, 0)] == 1

    # Pausing

    def test_a_paused_partition_is_not_polled_and_stays_owned(
        self, bus: Bus, topic: str, group: str, stack: ExitStack
    ) -> None:
        quiet, lively = TopicPartition(topic, 0), TopicPartition(topic, 1)
        self.send_numbers(bus, topic, range(10), partition=0)
        consumer = stack.enter_context(bus.consumer(group, [topic]))
        first = poll_until(bool, consumer, max_records=4)
        consumer.pause([quiet, TopicPartition("elsewhere", 0)])
        self.send_numbers(bus, topic, [100], partition=1)
        assert values(read(consumer, 1)) == [100]
        assert list(consumer.poll(0.3)) == []
        assert consumer.assignment() >= {quiet, lively}
        consumer.commit({quiet: len(first)})
        consumer.resume([quiet, TopicPartition("elsewhere", 0)])
        # What had been fetched before the pause is neither lost nor repeated.
        assert values(first + read(consumer, 10 - len(first))) == list(range(10))

    def test_partitions_start_paused_while_asked_for(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        self.send_numbers(bus, topic, range(8))
        consumer = stack.enter_context(bus.consumer(group, [topic]))
        consumer.pause_on_assign(True)
        early = poll_until(owning(PARTITIONS, consumer), consumer)
        assert [*early, *consumer.poll(0.3)] == []
        consumer.pause_on_assign(False)
        consumer.resume(consumer.assignment())
        assert values(read(consumer, 8)) == list(range(8))

    def test_only_newly_assigned_partitions_start_paused(
        self, bus: Bus, topic: str, group: str, stack: ExitStack
    ) -> None:
        busy = stack.enter_context(bus.consumer(group, [topic]))
        other = bus.consumer(group, [topic])
        poll_until(owning(PARTITIONS // 2, busy, other), busy, other)
        kept = busy.assignment()
        busy.pause_on_assign(True)
        other.close()
        poll_until(owning(PARTITIONS, busy), busy)
        self.send_numbers(bus, topic, range(2 * PARTITIONS))
        early = read(busy, PARTITIONS)
        assert {record.source for record in [*early, *busy.poll(0.3)]} == kept
        busy.resume(busy.assignment() - kept)
        assert values(early + read(busy, PARTITIONS)) == list(range(2 * PARTITIONS))

    # Topics

    def test_topics_are_made_once_and_keep_their_partitions(self, bus: Bus, topic: str) -> None:
        bus.ensure_topics([TopicSpec(topic, PARTITIONS)])
        bus.ensure_topics([])
        with pytest.raises(Permanent, match=f"topic {topic}: it has {PARTITIONS} partitions, not 8"):
            bus.ensure_topics([TopicSpec(topic, 8)])
        assert len(bus.lag("nobody", [topic])) == PARTITIONS

    def test_a_group_may_read_several_topics(self, bus: Bus, topic: str, group: str, stack: ExitStack) -> None:
        urgent = f"{topic}-urgent"
        bus.ensure_topics([TopicSpec(urgent, 1), TopicSpec(topic, PARTITIONS)])
        self.send_numbers(bus, urgent, [1])
        self.send_numbers(bus, topic, [2])
        only_urgent = stack.enter_context(bus.consumer(group, [urgent]))
        both = stack.enter_context(bus.consumer(group, [urgent, topic]))
        everything = set(bus.lag(group, [urgent, topic]))
        records = poll_until(lambda _: only_urgent.assignment() | both.assignment() == everything, only_urgent, both)
        poll_until(lambda more: {record.value for record in records + more} == {b"1", b"2"}, only_urgent, both)
        assert not only_urgent.assignment() & both.assignment()
        assert {source.topic for source in only_urgent.assignment()} <= {urgent}
        assert {TopicPartition(topic, number) for number in range(PARTITIONS)} <= both.assignment()


class TestSqliteBus(BusContract):
    @pytest.fixture
    def settings(self, tmp_path: Path) -> BusSettings:
        return BusSettings(kind="sqlite", path=tmp_path / "bus.db", lease_seconds=LEASE)

    @pytest.fixture
    def patient_settings(self, tmp_path: Path) -> BusSettings:
        return BusSettings(kind="sqlite", path=tmp_path / "bus.db", lease_seconds=3 * PATIENCE)

    def test_flushed_records_survive_the_death_of_their_sender(
        self, bus: Bus, topic: str, group: str, child: Callable[..., Child], stack: ExitStack
    ) -> None:
        sender = child("send", topic, "50")
        sender.says("flushed")
        sender.kill()
        assert values(read(stack.enter_context(bus.consumer(group, [topic])), 50)) == list(range(50))


@pytest.mark.kafka
class TestKafkaBus(BusContract):
    @pytest.fixture
    def settings(self, kafka_broker: Broker) -> BusSettings:
        return BusSettings(kind="kafka", bootstrap_servers=(kafka_broker.address,), session_timeout_ms=SESSION_MS)

    @pytest.fixture
    def patient_settings(self, settings: BusSettings) -> BusSettings:
        return settings.model_copy(update={"session_timeout_ms": int(3000 * PATIENCE)})

    @pytest.fixture
    def no_complaint_of_sockets(self, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
        """kafka-python leaves sockets whose connection was refused to the garbage collector."""
        caplog.set_level(logging.CRITICAL, "kafka")  # what is logged is kept, and the sockets with it
        yield
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    @pytest.mark.usefixtures("no_complaint_of_sockets")
    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
    def test_flushed_records_survive_the_death_of_the_broker(
        self, bus: Bus, topic: str, group: str, kafka_broker: Broker, stack: ExitStack
    ) -> None:
        producer = stack.enter_context(bus.producer())
        for number in range(50):
            producer.send(topic, str(number).encode())
        producer.flush()
        kafka_broker.kill()
        for number in range(50, 60):
            producer.send(topic, str(number).encode())
        kafka_broker.start()
        producer.flush()  # what was sent while it was away is delivered too, and once
        records = read(stack.enter_context(bus.consumer(group, [topic])), 60)
        assert values(records) == list(range(60))
