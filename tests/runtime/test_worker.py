"""The worker over a real bus, a real store and a real child process."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from lucidray.bus import open_bus
from lucidray.bus.base import Bus, TopicSpec
from lucidray.core import topics
from lucidray.core.case import make_case_id, slip_entry
from lucidray.core.errors import Transient
from lucidray.core.settings import forget_file
from lucidray.core.worker import MAX_DEATHS
from lucidray.launcher.processes import PROCESSES
from lucidray.runtime.service import run_process
from lucidray.runtime.settings import WorkerSettings
from lucidray.runtime.worker import ChildPool, Served, Worker
from lucidray.store import open_store
from lucidray.store.cases import ArtifactEntry, CaseStore, Manifest
from lucidray.v1.case_pb2 import Case, OnFailure, Outcome, Priority, Zone
from lucidray.v1.events_pb2 import CaseReturned, CaseState, LedgerEvent

ROUTINE = Priority.PRIORITY_ROUTINE
SERVED = Served("example", Zone.ZONE_ANALYSIS, "example_steps:build", ROUTINE)
NEXT = topics.step_topic("next", ROUTINE)


class Bench:
    """One worker, and what came out of it."""

    def __init__(self, folder: Path, settings: WorkerSettings) -> None:
        self.folder = folder
        self.store = CaseStore(open_store(Zone.ZONE_ANALYSIS))
        self.bus: Bus = open_bus()
        names = [SERVED.topic, NEXT, topics.RETURNED, topics.LEDGER]
        self.bus.ensure_topics([TopicSpec(name, 1) for name in names])
        self.pool = ChildPool(1)
        self.stop = threading.Event()
        self.worker = Worker(SERVED, self.bus, self.store, self.pool, settings, self.stop)
        self.thread = threading.Thread(target=self.worker.run)
        self.consumers = {name: self.bus.consumer("test", [name]) for name in names[1:]}

    def start(self) -> None:
        self.thread.start()

    def case(self, number: int = 1, version: str = "1", skip: bool = False, **parameters: str) -> Case:
        on_failure = OnFailure.ON_FAILURE_SKIP if skip else OnFailure.ON_FAILURE_PARK
        case = Case(case_id=make_case_id("study", number, "w"), study_key="study", priority=ROUTINE)
        case.slip.append(slip_entry("example", version, parameters, on_failure, {}))
        case.slip.append(slip_entry("next", "1", {}, OnFailure.ON_FAILURE_PARK, {}))
        return case

    def send(self, *cases: Case) -> None:
        with self.bus.producer() as producer:
            for case in cases:
                producer.send(SERVED.topic, case.SerializeToString())

    def take(self, topic: str) -> bytes:
        """The next record of a topic."""
        for _ in range(150):
            records = self.consumers[topic].poll(0.2, max_records=1)
            if records:
                return records[0].value
        raise AssertionError(f"nothing came on {topic}")

    def forwarded(self) -> Case:
        return Case.FromString(self.take(NEXT))

    def returned(self) -> CaseReturned:
        return CaseReturned.FromString(self.take(topics.RETURNED))

    def said(self) -> LedgerEvent:
        return LedgerEvent.FromString(self.take(topics.LEDGER))

    def nothing(self, topic: str) -> bool:
        return not self.consumers[topic].poll(0.3)

    def close(self) -> None:
        self.stop.set()
        if self.thread.is_alive():
            self.thread.join()
        self.pool.kill()
        for consumer in self.consumers.values():
            consumer.close()
        self.bus.close()


@pytest.fixture
def make_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    forget_file()
    made: list[Bench] = []

    def make(**settings: float) -> Bench:
        bench = Bench(tmp_path, WorkerSettings(processes=1, **settings))
        made.append(bench)
        return bench

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    bench = make_bench()
    bench.start()
    return bench


def test_a_case_is_computed_committed_and_forwarded(bench: Bench) -> None:
    bench.send(bench.case())
    after = bench.forwarded()
    assert [entry.step for entry in after.slip] == ["next"]
    manifest = bench.store.manifest(after.case_id, after.history[0].step_key)
    assert manifest.find("features", "") is not None
    assert manifest.summary == {"answer": "42"}
    assert [flag.code for flag in after.quality] == ["remark"]
    event = bench.said()
    assert (event.state, event.step, event.next_step) == (CaseState.CASE_STATE_RUNNING, "example", "next")
    assert event.finished.step_key == manifest.step_key
    assert dict(event.summary) == {"answer": "42"}


def test_the_same_case_again_computes_nothing(bench: Bench) -> None:
    note = bench.folder / "ran"
    bench.send(bench.case(note=str(note)))
    first = bench.forwarded()
    bench.send(bench.case(note=str(note)))
    assert bench.forwarded().history[0].step_key == first.history[0].step_key
    assert len(note.read_text().splitlines()) == 1


def test_another_file_under_the_same_name_computes_again(bench: Bench) -> None:
    note, beside = bench.folder / "ran", bench.folder / "beside"
    for content in ("one", "one", "two"):
        beside.write_text(content)
        bench.send(bench.case(note=str(note), beside=str(beside)))
        bench.forwarded()
    assert len(note.read_text().splitlines()) == 2


def test_a_higher_generation_computes_again(bench: Bench) -> None:
    note = bench.folder / "ran"
    again = bench.case(note=str(note))
    again.generation = 1
    bench.send(bench.case(note=str(note)), again)
    assert bench.forwarded().history[0].step_key != bench.forwarded().history[0].step_key
    assert len(note.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("writer", "remedy"),
    [("quantify", "case retry --from quantify --recompute"), ("select", "restore it from a backup")],
)
@pytest.mark.parametrize("rotten", ["blobs", "steps"])
def test_what_rotted_names_the_step_that_can_write_it_again(
    bench: Bench, writer: str, remedy: str, rotten: str
) -> None:
    case = bench.case(do="read")
    part = bench.store.put_blob(case.case_id, "features.json", "application/json", b"{}")
    entry = ArtifactEntry(contract="features", parts=[part])
    bench.store.commit(
        Manifest(case_id=case.case_id, step=writer, step_key="k", algorithm_version="1", artifacts=[entry])
    )
    history = case.history.add(step_key="k", zone=Zone.ZONE_ANALYSIS, outcome=Outcome.OUTCOME_DONE)
    history.entry.step = writer
    (path,) = bench.folder.glob(f"**/cases/{case.case_id}/{rotten}/*")
    path.write_bytes(b"rotten")
    bench.send(case)
    assert remedy in bench.said().remedy


def test_what_a_step_counts_is_exported_by_its_worker(bench: Bench) -> None:
    def exported(result: str) -> float:
        return REGISTRY.get_sample_value("lucidray_objects_delivered_total", {"result": result}) or 0.0

    before = exported("stored"), exported("failed")
    bench.send(bench.case(1, do="count"), bench.case(2, do="count"), bench.case(3, do="count_and_fail"))
    bench.returned()
    assert (exported("stored"), exported("failed")) == (before[0] + 4, before[1] + 1)


def test_the_last_step_finishes_the_case(bench: Bench) -> None:
    case = bench.case()
    del case.slip[1]
    bench.send(case)
    assert bench.returned().state == CaseState.CASE_STATE_COMPLETED
    assert bench.said().state == CaseState.CASE_STATE_COMPLETED


@pytest.mark.parametrize(
    ("do", "state"),
    [
        ("park", CaseState.CASE_STATE_PARKED),
        ("retry", CaseState.CASE_STATE_RETRYING),
        ("refuse", CaseState.CASE_STATE_QUARANTINED),
    ],
)
def test_failures_go_back_to_dispatch_with_cause_and_remedy(bench: Bench, do: str, state: CaseState) -> None:
    bench.send(bench.case(do=do))
    message, event = bench.returned(), bench.said()
    assert message.state == event.state == state
    assert (event.thing, event.cause, event.remedy) == ("thing", "cause", "remedy")
    assert message.case.attempt == (1 if do == "retry" else 0)
    assert bench.nothing(NEXT)


def test_an_outage_is_waited_out_for_so_many_hours(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(retry_hours=2)
    bench.start()
    states = []
    for hours in (1, 3):
        case = bench.case(hours, do="retry")
        case.attempt = 40  # however often it was tried
        case.failing_since.FromDatetime(datetime.now(UTC) - timedelta(hours=hours))
        bench.send(case)
        states.append(bench.returned().state)
    assert states == [CaseState.CASE_STATE_RETRYING, CaseState.CASE_STATE_PARKED]


def test_three_hundred_remarks_travel_as_the_first_and_a_number(bench: Bench) -> None:
    bench.send(bench.case(do="talk"))
    after = bench.forwarded()
    assert [flag.message.strip() for flag in after.quality][-2:] == ["region 19", "and 280 more"]
    manifest = bench.store.manifest(after.case_id, after.history[0].step_key)
    assert len(manifest.quality) == 300


@pytest.mark.parametrize(("do", "skip"), [("shout", False), ("rant", True)])
def test_a_case_that_outgrows_its_message_is_parked_and_the_next_is_served(bench: Bench, do: str, skip: bool) -> None:
    bench.send(bench.case(1, skip=skip, do=do), bench.case(2))
    message = bench.returned()
    assert message.state == CaseState.CASE_STATE_PARKED
    assert "more than 65536" in message.cause
    assert bench.forwarded().case_id == bench.case(2).case_id


def test_a_process_whose_worker_failed_says_so_by_its_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Worker) -> None:
        raise RuntimeError

    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    forget_file()
    monkeypatch.setattr(Worker, "run", fail)
    monkeypatch.setattr("lucidray.core.logging.configure", lambda *_, **__: None)
    with pytest.raises(SystemExit) as ended:
        run_process("compute", PROCESSES["compute"])
    assert ended.value.code == 1


def test_a_step_that_may_be_skipped_is_left_out_with_a_remark(bench: Bench) -> None:
    bench.send(bench.case(skip=True, do="park"))
    after = bench.forwarded()
    assert [flag.code for flag in after.quality] == ["step-skipped"]
    assert after.history[0].step_key == ""


def test_an_unexpected_failure_parks_without_quoting_it(bench: Bench) -> None:
    bench.send(bench.case(do="leak"))
    event = bench.said()
    assert event.state == CaseState.CASE_STATE_PARKED
    assert "ValueError in _leak" in event.cause
    assert "DOE" not in str(event)


def test_an_output_that_the_specification_does_not_name_is_refused(bench: Bench) -> None:
    bench.send(bench.case(do="wrong_output"))
    assert "'prediction'" in bench.said().cause


def test_unknown_parameters_are_named(bench: Bench) -> None:
    bench.send(bench.case(dew="work"))
    assert "parameter 'dew'" in bench.said().thing


def test_another_algorithm_version_waits_for_its_worker(bench: Bench) -> None:
    bench.send(bench.case(version="2"))
    event = bench.said()
    assert event.state == CaseState.CASE_STATE_RETRYING
    assert "algorithm version 2" in event.cause


def test_a_case_that_kills_its_process_is_parked_after_three_deaths_and_the_next_is_served(bench: Bench) -> None:
    case, states = bench.case(1, do="die"), []
    for _ in range(MAX_DEATHS):
        bench.send(case)
        back = bench.returned()
        states.append(back.state)
        case = back.case  # as dispatch sends it again
    assert states == [CaseState.CASE_STATE_RETRYING] * (MAX_DEATHS - 1) + [CaseState.CASE_STATE_PARKED]
    bench.send(bench.case(2))
    assert bench.forwarded().case_id == bench.case(2).case_id


def test_a_cancelled_case_is_not_computed(bench: Bench) -> None:
    note, case = bench.folder / "ran", bench.case()
    bench.store.mark(case.case_id, "cancelled")
    bench.send(bench.case(note=str(note)))
    assert bench.returned().state == CaseState.CASE_STATE_CANCELLED
    assert not note.exists()
    assert bench.nothing(NEXT)


@pytest.mark.parametrize("looks", [0, 1])  # before and after the work
def test_a_store_that_does_not_answer_for_a_marker_delays_the_case_and_the_next_is_served(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    real, seen = CaseStore.marked, []

    def marked(store: CaseStore, case_id: str, markers: list[str]) -> str:
        seen.append(case_id)
        if len(seen) == looks + 1:
            raise Transient("store", "it does not answer", "wait")
        return real(store, case_id, markers)

    monkeypatch.setattr(CaseStore, "marked", marked)
    bench.send(bench.case(1), bench.case(2))
    message = bench.returned()
    assert (message.state, message.cause) == (CaseState.CASE_STATE_RETRYING, "it does not answer")
    assert bench.forwarded().case_id == bench.case(2).case_id


def test_a_step_that_takes_too_long_is_killed_and_parked(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(step_timeout_seconds=2)
    bench.start()
    bench.send(bench.case(do="sleep"))
    assert "longer than 2 s" in bench.said().cause


def test_a_case_interrupted_by_stop_is_redelivered(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(grace_seconds=0)
    bench.start()
    bench.send(bench.case(do="sleep"))
    for _ in range(100):
        if list(bench.store.objects.keys("cases/")):
            break
        bench.stop.wait(0.1)
    bench.stop.set()
    bench.thread.join()
    assert sum(bench.bus.lag(f"lucidray.{SERVED.topic}", [SERVED.topic]).values()) == 1
    assert bench.nothing(topics.RETURNED)


def test_too_many_parked_in_a_row_stop_the_consumer(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(parked_consecutive=2)
    bench.start()
    bench.send(*(bench.case(number, do="park") for number in range(4)))
    for _ in range(2):
        bench.returned()
    assert bench.nothing(topics.RETURNED)
    assert not bench.worker.ready


def test_garbage_on_the_topic_is_left_behind(bench: Bench) -> None:
    with bench.bus.producer() as producer:
        producer.send(SERVED.topic, b"\xff\xff garbage")
    bench.send(bench.case())
    assert bench.forwarded().history[0].entry.step == "example"
