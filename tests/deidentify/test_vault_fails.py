"""The steps in their workers, with a real bus and child process, when the vault fails: nothing leaves, the case is
parked with its reason, and goes on when the vault is whole again."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian
from sqlalchemy import create_engine, update
from tests.deidentify.objects import ct_slice, parse, part10
from tests.deidentify.results import segmentation

from lucidray.bus import open_bus
from lucidray.contracts.base import Part
from lucidray.contracts.catalogue import RESULTS, SERIES, STEPS, STUDY
from lucidray.core import topics
from lucidray.core.case import slip_entry
from lucidray.core.settings import forget_file
from lucidray.deidentify.vaulttables import RECORDS
from lucidray.launcher.supervisor import prepare
from lucidray.runtime.service import FACTORIES, all_topics
from lucidray.runtime.settings import WorkerSettings
from lucidray.runtime.step import Artifact
from lucidray.runtime.worker import ChildPool, Served, Worker
from lucidray.store import open_store
from lucidray.store.cases import ArtifactEntry, CaseStore, Manifest
from lucidray.v1.case_pb2 import Case, OnFailure, Outcome, Priority, Zone
from lucidray.v1.events_pb2 import CaseReturned, CaseState, LedgerEvent

CLINICAL, ANALYSIS = Zone.ZONE_CLINICAL, Zone.ZONE_ANALYSIS
PARKED, RETRYING, COMPLETED = (
    CaseState.CASE_STATE_PARKED,
    CaseState.CASE_STATE_RETRYING,
    CaseState.CASE_STATE_COMPLETED,
)


class House:
    """The workers of both steps."""

    def __init__(self, folder: Path) -> None:
        prepare(folder)
        self.folder, self.bus, self.stop = folder, open_bus(), threading.Event()
        self.stores = {zone: CaseStore(open_store(zone)) for zone in (CLINICAL, ANALYSIS)}
        self.bus.ensure_topics(all_topics(["deidentify", "reidentify"]))
        self.told = self.bus.consumer("test", [topics.RETURNED])
        self.ledger = self.bus.consumer("test", [topics.LEDGER])
        self.pool, settings = ChildPool(1), WorkerSettings()
        self.threads = [
            threading.Thread(
                target=Worker(
                    Served(name, STEPS[name].zone, FACTORIES[name], Priority.PRIORITY_ROUTINE),
                    self.bus,
                    self.stores[STEPS[name].zone],
                    self.pool,
                    settings,
                    self.stop,
                ).run
            )
            for name in ("deidentify", "reidentify")
        ]
        for thread in self.threads:
            thread.start()

    def case(self, step: str, artifact: Artifact[list[bytes]], zone: Zone, failing_days: int = 0) -> CaseReturned:
        """Send a case whose last step is `step`; how it comes back."""
        case = Case(case_id="c1", study_key="study", patient_key="patient", priority=Priority.PRIORITY_ROUTINE)
        if failing_days:
            case.failing_since.FromDatetime(datetime.now(UTC) - timedelta(days=failing_days))
        case.slip.append(slip_entry(step, STEPS[step].algorithm_version, {}, OnFailure.ON_FAILURE_PARK, {}))
        store, contract = self.stores[zone], artifact.contract
        parts = [store.put_blob("c1", part.name, part.media_type, part.data) for part in contract.write(artifact.value)]
        entry = ArtifactEntry(contract=contract.name, role=artifact.role, parts=parts)
        store.commit(
            Manifest(case_id="c1", step="before", step_key=f"for-{step}", algorithm_version="1", artifacts=[entry])
        )
        case.history.add(step_key=f"for-{step}", zone=zone, outcome=Outcome.OUTCOME_DONE)
        with self.bus.producer() as producer:
            producer.send(topics.step_topic(step, Priority.PRIORITY_ROUTINE), case.SerializeToString())
        for _ in range(300):
            for record in self.told.poll(0.2, max_records=1):
                return CaseReturned.FromString(record.value)
        raise AssertionError("the case did not come back")

    def reason(self) -> str:
        """The cause that was said last."""
        causes = []
        for _ in range(10):
            causes += [LedgerEvent.FromString(record.value).cause for record in self.ledger.poll(0.1)]
        return causes[-1]

    def steps(self, zone: Zone) -> list[str]:
        """What was committed, without what the tests put there."""
        keys = self.stores[zone].objects.keys("cases/c1/steps/")
        return [key for key in keys if "/for-" not in key]

    def close(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self.pool.kill()
        self.told.close()
        self.ledger.close()
        self.bus.close()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    monkeypatch.delenv("LUCIDRAY_CONFIG", raising=False)
    forget_file()
    made = House(tmp_path)
    yield made
    made.close()


def test_nothing_leaves_while_the_vault_fails(house: House) -> None:
    database = house.folder / "vault.db"
    study = Artifact(STUDY, [part10(ct_slice(number), ExplicitVRLittleEndian) for number in (1, 2, 3)], "CT")
    database.write_bytes(b"this is not a database" * 100)
    assert house.case("deidentify", study, CLINICAL).state == RETRYING
    assert house.case("deidentify", study, CLINICAL, failing_days=1).state == PARKED
    assert "database does not answer" in house.reason()
    assert house.steps(ANALYSIS) == [] and not list(house.stores[ANALYSIS].objects.keys("cases/c1/blobs/"))

    database.unlink()
    assert house.case("deidentify", study, CLINICAL).state == COMPLETED
    [key] = house.steps(ANALYSIS)
    [entry] = house.stores[ANALYSIS].manifest("c1", key.rsplit("/", 1)[1]).artifacts
    parts = [Part(part.name, part.media_type, house.stores[ANALYSIS].get_part(part)) for part in entry.parts]
    slices = [parse(data) for data in SERIES.read(parts)]

    results = Artifact(RESULTS, [part10(segmentation(slices), ExplicitVRLittleEndian)], "SEG")
    with create_engine(f"sqlite:///{database}").begin() as connection:
        connection.execute(update(RECORDS).values(body=b"0" * 64))
    assert house.case("reidentify", results, ANALYSIS).state == PARKED
    assert "not as it was written" in house.reason()
    assert house.steps(CLINICAL) == []
