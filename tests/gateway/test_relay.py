"""The relay when its parts fail: what was accepted is published once they are well again."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.gateway.node import ct, part10, until

from lucidray.bus.base import Producer
from lucidray.core.clock import ManualClock
from lucidray.core.database import open_database
from lucidray.core.errors import Transient
from lucidray.core.topics import INTAKE, INTAKE_PARTITIONS, LEDGER
from lucidray.gateway.index import Arrival, InstanceIndex
from lucidray.gateway.relay import Relay
from lucidray.gateway.spool import Spool
from lucidray.gateway.tables import metadata
from lucidray.store.base import Content, ObjectStore
from lucidray.store.folder import FolderStore
from lucidray.v1.events_pb2 import CaseState, IntakeEvent, LedgerEvent


class Sent(Producer):
    """Keeps what is sent; `down` makes it fail at the flush."""

    def __init__(self) -> None:
        self.down = False
        self._waiting: list[tuple[str, bytes, int | None]] = []
        self.records: list[tuple[str, bytes, int | None]] = []

    def send(
        self,
        topic: str,
        value: bytes,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> None:
        self._waiting.append((topic, value, partition))

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self.down:
            raise Transient("bus", "it is down", "start it")
        self.records += waiting

    def close(self) -> None:
        pass

    def instances(self) -> list[str]:
        events = [IntakeEvent.FromString(value) for topic, value, _ in self.records if topic == INTAKE]
        return [each.instance_key for event in events for each in event.stored.instances]


class Flaky(FolderStore):
    """A folder that is full when told so."""

    down = False

    def put_new(self, key: str, content: Content) -> bool:
        if self.down:
            raise Transient("store", "it is full", "free space")
        return super().put_new(key, content)


class House:
    """A relay and its parts."""

    def __init__(self, folder: Path) -> None:
        self.index = InstanceIndex(open_database(folder, "gateway", metadata), "one", ManualClock())
        self.spool = Spool(folder / "spool")
        self.store = Flaky(folder / "store")
        self.producer = Sent()
        self.failed: list[str] = []
        self.relay = self.make(self.store)

    def make(self, store: ObjectStore) -> Relay:
        return Relay(self.index, self.spool, store, self.producer, "one", 0.02, lambda: self.failed.append("failed"))

    def accept(self, instance_key: str, study_key: str = "study", content: bytes = b"") -> None:
        incoming = self.spool.create(content or part10(ct(8)))
        incoming.seal()
        self.index.accept(
            [Arrival(instance_key, incoming.byte_digest, study_key, "series", incoming.size, incoming.name)],
            self.spool.holds,
        )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.relay.close()


def test_events_are_grouped_by_study(house: House) -> None:
    for number in range(5):
        house.accept(f"instance-{number}", f"study-{number % 2}")
    assert house.relay.run_once()
    assert len(house.producer.records) == 2
    assert sorted(house.producer.instances()) == [f"instance-{number}" for number in range(5)]
    assert not house.relay.run_once()


@pytest.mark.parametrize("part", ["store", "producer"])
def test_a_part_that_is_down_loses_nothing(house: House, part: str) -> None:
    house.accept("instance")
    getattr(house, part).down = True
    with pytest.raises(Transient):
        house.relay.run_once()
    assert house.index.spooled()
    getattr(house, part).down = False
    house.relay.run_once()
    assert house.producer.instances() == ["instance"]
    assert not house.index.spooled()


def test_the_thread_outlives_a_part_that_is_down(house: House) -> None:
    house.store.down = True
    house.accept("instance")
    house.relay.start()
    until(lambda: house.index.count_pending() == 1 and house.relay.alive)
    house.store.down = False
    until(lambda: house.producer.instances() == ["instance"])
    until(lambda: {partition for _, _, partition in house.producer.records} >= set(range(INTAKE_PARTITIONS)))
    assert not house.failed


def test_a_bug_ends_the_thread_and_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> bool:
        raise AssertionError("a bug")

    monkeypatch.setattr(house.relay, "run_once", broken)
    house.relay.start()
    until(lambda: house.failed == ["failed"])
    until(lambda: not house.relay.alive)


def test_a_lost_file_is_told_and_holds_nobody(house: House) -> None:
    house.accept("lost")
    house.spool.path(*house.index.spooled()).unlink()
    house.accept("kept")
    house.relay.run_once()
    assert house.producer.instances() == ["kept"]
    assert house.index.count_pending() == 0  # so the watermark moves on
    house.relay.run_once()
    (told,) = [LedgerEvent.FromString(value) for topic, value, _ in house.producer.records if topic == LEDGER]
    assert (told.state, told.study_key) == (CaseState.CASE_STATE_REFUSED, "study")
    assert "lost" in told.thing
    assert "gone from the spool" in told.cause
    assert "send its study again" in told.remedy


@pytest.mark.parametrize("looked", [False, True], ids=["before-the-relay-looked", "after"])
def test_a_lost_object_that_comes_again_is_published(house: House, looked: bool) -> None:
    file = part10(ct(8))
    house.accept("lost", content=file)
    house.spool.path(*house.index.spooled()).unlink()
    if looked:
        house.relay.run_once()
    house.accept("lost", content=file)
    house.relay.run_once()
    assert house.producer.instances() == ["lost"]
    assert not house.index.spooled()


def test_two_versions_in_one_round_are_compared_in_the_next(house: House) -> None:
    dataset = ct(8)
    house.accept("instance", content=part10(dataset))
    dataset.PatientName = "Other^Name"
    house.accept("instance", content=part10(dataset))
    assert house.relay.run_once()
    assert len(house.producer.instances()) == 1
    assert house.relay.run_once()
    events = [IntakeEvent.FromString(value).stored for _, value, _ in house.producer.records]
    assert [each.conflicting for event in events for each in event.instances] == [False, True]


def test_versions_that_cannot_be_compared_are_conflicting(house: House) -> None:
    house.accept("instance", content=part10(ct(8)))
    house.relay.run_once()
    house.accept("instance", content=b"not DICOM")
    house.relay.run_once()
    events = [IntakeEvent.FromString(value).stored for _, value, _ in house.producer.records]
    assert [each.conflicting for event in events for each in event.instances] == [False, True]
