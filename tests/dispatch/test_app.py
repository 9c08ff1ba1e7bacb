"""The service as a whole, on the embedded bus."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lucidray.bus import Bus, open_bus
from lucidray.core import topics
from lucidray.core.errors import Transient
from lucidray.core.identity import write_site_key
from lucidray.dispatch import app
from lucidray.dispatch.app import Dispatch
from lucidray.dispatch.cases import Cases
from lucidray.runtime.service import all_topics
from lucidray.runtime.stop import Stop
from lucidray.v1.events_pb2 import CaseCommand, CaseState, CommandKind, IntakeEvent, LedgerEvent

GROUPS = {"lucidray.dispatch.intake": [topics.INTAKE], "lucidray.dispatch.cases": [topics.RETURNED, topics.COMMANDS]}
NOT_A_MESSAGE = b"\xff\xff\xff"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    (tmp_path / "secrets").mkdir()
    write_site_key(tmp_path / "secrets" / "site.key")
    with open_bus() as bus:
        bus.ensure_topics(all_topics([]))
        yield bus


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("topic", [topics.INTAKE, topics.RETURNED, topics.COMMANDS])
def test_a_record_that_does_not_decode_is_passed_over(bus: Bus, topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    with bus.producer() as producer:
        producer.send(topic, NOT_A_MESSAGE, partition=0)
    stop = Stop()
    dispatch = Dispatch(bus, stop)
    dispatch.start()
    try:
        wait(lambda: stop.is_set() or not any(sum(bus.lag(group, names).values()) for group, names in GROUPS.items()))
        assert not stop.is_set()
        assert dispatch.ready
    finally:
        stop.set()
        dispatch.close()
    printed = capsys.readouterr()
    assert "record-not-decoded" in printed.out + printed.err


def test_what_is_written_is_published_without_waiting_for_the_clock(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "TICK_SECONDS", 600)
    stop = Stop()
    dispatch = Dispatch(bus, stop)
    dispatch.start()
    try:
        time.sleep(0.5)  # the clock has begun to wait
        event = IntakeEvent()
        event.stored.study_key = "s" * 32
        event.stored.instances.add(instance_key="i", byte_digest="d", object_key="intake/lost")
        with bus.producer() as producer, bus.consumer("test", [topics.LEDGER]) as ledger:
            producer.send(topics.INTAKE, event.SerializeToString())
            said = [LedgerEvent.FromString(each.value) for each in ledger.poll(20)]
        assert said[0].state == CaseState.CASE_STATE_COLLECTING
    finally:
        stop.set()
        dispatch.close()


def test_a_command_that_failed_for_a_store_is_delivered_again(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise Transient("store", "it is full", "free space")

    monkeypatch.setattr(Cases, "take_command", fail)
    command = CaseCommand(command_id="1", kind=CommandKind.COMMAND_KIND_CANCEL, case_id="c1")
    with bus.producer() as producer:
        producer.send(topics.COMMANDS, command.SerializeToString())
    stop = Stop()
    dispatch = Dispatch(bus, stop)
    dispatch.start()
    try:
        wait(stop.is_set)  # the process ends and is started again
        assert stop.failed  # ... which its exit status says
    finally:
        stop.set()
        dispatch.close()
    assert sum(bus.lag("lucidray.dispatch.cases", [topics.COMMANDS]).values()) == 1
