"""Cases as the ledger tells them, with artifacts in stores; and a console that shows them."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from fastapi import FastAPI
from google.protobuf.message import Message

from lucidray.bus.sqlite import SqliteBus
from lucidray.console import tables
from lucidray.console.access import Access
from lucidray.console.artifacts import CaseArtifacts
from lucidray.console.commands import Commands
from lucidray.console.context import Context
from lucidray.console.projection import Projection
from lucidray.console.web import create_app
from lucidray.console.worklist import Worklist
from lucidray.contracts.catalogue import (
    ANALYSIS,
    CLINICAL,
    EXPLANATION,
    FEATURES,
    PREDICTION,
    RECEIPTS,
    REGIONS,
    STEPS,
    VOLUME,
)
from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Concept, Regions, RegionsFacts, Segment, Volume, VolumeFacts
from lucidray.contracts.results import (
    Contribution,
    DeletionCheck,
    Explanation,
    Feature,
    Features,
    Prediction,
    Receipt,
    Receipts,
)
from lucidray.core import topics
from lucidray.core.canonical import digest_json
from lucidray.core.case import advanced, returned_to, skipped, slip_entry
from lucidray.core.database import open_database
from lucidray.core.errors import LucidrayError
from lucidray.core.identity import SiteKey
from lucidray.core.ledger import case_event, study_event
from lucidray.runtime.service import all_topics
from lucidray.runtime.step import Artifact
from lucidray.store.cases import ArtifactEntry, CaseStore, Manifest
from lucidray.store.folder import FolderStore
from lucidray.v1.case_pb2 import Case, OnFailure, Priority, QualityFlag
from lucidray.v1.events_pb2 import CaseCommand, CaseState, LedgerEvent

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SLIP = list(STEPS)
SITE_KEY = SiteKey(bytes(range(32)))
HOST = "127.0.0.1:8042"

RUNNING = CaseState.CASE_STATE_RUNNING
RETRYING = CaseState.CASE_STATE_RETRYING
PARKED = CaseState.CASE_STATE_PARKED
COMPLETED = CaseState.CASE_STATE_COMPLETED
CANCELLED = CaseState.CASE_STATE_CANCELLED
SUPERSEDED = CaseState.CASE_STATE_SUPERSEDED
QUARANTINED = CaseState.CASE_STATE_QUARANTINED


class Story:
    """The life of one case: each method says a line of the ledger."""

    def __init__(
        self,
        number: int = 1,
        *,
        slip: Sequence[str] = tuple(SLIP),
        version: int = 1,
        workflow: str = "pet-ct-tumour",
        urgent: bool = False,
        start: datetime = START,
    ) -> None:
        self.case = Case(
            case_id=f"c{number:024x}",
            study_key=f"{number:032x}",
            study_version=version,
            patient_key=SITE_KEY.patient(f"PATIENT-{number}"),
            workflow=workflow,
            priority=Priority.PRIORITY_URGENT if urgent else Priority.PRIORITY_ROUTINE,
        )
        bundles = {"predict": {"sts-metastasis": "ab" * 32}}
        for step in slip:
            entry = slip_entry(step, "1", {}, OnFailure.ON_FAILURE_PARK, bundles.get(step, {}))
            self.case.slip.append(entry)
        self.now = start
        self.events: list[LedgerEvent] = []
        self.send()

    def _say(self, event: LedgerEvent) -> LedgerEvent:
        self.events.append(event)
        return event

    def _tick(self, seconds: float = 10) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def send(self) -> LedgerEvent:
        """Dispatch sends the case to the head of its slip."""
        event = case_event(self.case, RUNNING, "dispatch", self.now)
        event.slip.extend([each.entry.step for each in self.case.history] + [each.step for each in self.case.slip])
        return self._say(event)

    def finish(
        self,
        step_key: str = "",
        quality: Sequence[QualityFlag] = (),
        summary: Mapping[str, str] | None = None,
        seconds: float = 2.0,
    ) -> LedgerEvent:
        """The step at the head is done."""
        step = self.case.slip[0].step
        key = step_key or digest_json([self.case.case_id, step, self.case.generation])
        self.case = advanced(self.case, key, STEPS[step].zone, self._tick(), seconds, quality)
        state = RUNNING if self.case.slip else COMPLETED
        return self._say(case_event(self.case, state, step, self.now, summary=summary, quality=quality))

    def run(self, until: str) -> "Story":
        """Finish all steps up to `until`."""
        while self.case.slip and self.case.slip[0].step != until:
            self.finish()
        self.finish()
        return self

    def skip(self, reason: QualityFlag) -> LedgerEvent:
        """The step at the head failed and is left out."""
        step = self.case.slip[0].step
        self.case = skipped(self.case, self._tick(), reason)
        return self._say(case_event(self.case, RUNNING, step, self.now, quality=[reason]))

    def fail(self, state: CaseState, error: LucidrayError) -> LedgerEvent:
        """The step at the head failed."""
        if state == RETRYING:
            self.case.attempt += 1
        return self._say(case_event(self.case, state, self.case.slip[0].step, self._tick(), error=error))

    def retry(self, step: str, *, recompute: bool = False) -> LedgerEvent:
        """A person sends the case back."""
        self.case = returned_to(self.case, step, recompute=recompute)
        self._tick()
        return self.send()

    def dispatch_says(self, state: CaseState) -> LedgerEvent:
        """Dispatch cancels or supersedes the case."""
        error = LucidrayError(f"case {self.case.case_id}", "cancelled by console", "send the study again to run it")
        return self._say(case_event(self.case, state, "dispatch", self._tick(), error=error))


def study(number: int, state: CaseState, version: int = 0, error: LucidrayError | None = None) -> LedgerEvent:
    """What dispatch says of the study of the story with the same number."""
    study_key = f"{number:032x}"
    return study_event(f"s{study_key[:24]}{number}", study_key, state, START, error, version)


# Artifacts: a cube of 20 x 20 x 10 voxels whose middle is bright, on CT and a coarser PET.

CT_GRID = Grid(
    shape=(10, 20, 20),
    spacing=(4.0, 2.0, 2.0),
    origin=(-19.0, -19.0, 100.0),
    axes=((0, 0, 1), (0, 1, 0), (1, 0, 0)),
    frame_of_reference_uid="2.25.1",
)
PET_GRID = CT_GRID.model_copy(
    update={"shape": (10, 10, 10), "spacing": (4.0, 4.0, 4.0), "origin": (-18.0, -18.0, 100.0)}
)


def volume(grid: Grid, modality: str, voxels: np.ndarray[Any, Any]) -> Volume:
    """A volume."""
    facts = VolumeFacts(
        grid=grid,
        modality=modality,
        unit={"CT": "[hnsf'U]", "PT": "{SUVbw}g/ml"}.get(modality, "1"),
        study_instance_uid="2.25.2",
        series_instance_uid="2.25.3",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uids=[f"2.25.4.{z}" for z in range(grid.shape[0])],
    )
    return Volume(voxels, facts)


def ct() -> Volume:
    """Water."""
    voxels = np.full(CT_GRID.shape, 40, np.int16)
    return volume(CT_GRID, "CT", voxels)


def pet() -> Volume:
    """A hot spot."""
    voxels = np.zeros(PET_GRID.shape, np.float32)
    voxels[3:6, 4:7, 4:7] = 10
    return volume(PET_GRID, "PT", voxels)


def segment(number: int = 1, label: str = "GTV") -> Segment:
    """A segment's facts."""
    return Segment(
        number=number,
        label=label,
        category=Concept(value="49755003", scheme="SCT", meaning="Morphologically Abnormal Structure"),
        type=Concept(value="108369006", scheme="SCT", meaning="Neoplasm"),
        algorithm_type="AUTOMATIC",
        algorithm_name="pet-suv-threshold",
        tracking_uid="2.25.5",
        tracking_id="1",
    )


def regions(label: str = "GTV") -> Regions:
    """A box on the CT's grid, largest in slice 4."""
    labels = np.zeros(CT_GRID.shape, np.uint8)
    labels[3:6, 8:13, 6:13] = 1
    labels[4, 7:14, 6:14] = 1
    return Regions(labels, RegionsFacts(grid=CT_GRID, source_role="CT", segments=[segment(label=label)]))


def features(name: str = "maximum_intensity") -> Features:
    """Two features."""
    return Features(
        preset="ibsi-pet-ct",
        preset_digest="9f" * 32,
        software="mirp 2.7.0",
        features=[
            Feature(
                name=name,
                ibsi_code="84IY",
                family="intensity_statistics",
                value=19.84,
                unit="{SUVbw}g/ml",
                image_role="PET",
                segment=1,
            ),
            Feature(name="joint_variance", ibsi_code="UR99", family="glcm", value=None, image_role="CT", segment=1),
        ],
    )


def prediction(**changes: Any) -> Prediction:
    """A probability."""
    values: dict[str, Any] = {
        "bundle": "sts-metastasis",
        "bundle_version": "1",
        "bundle_digest": "ab" * 32,
        "outcome": Concept(value="1", scheme="99LUCIDRAY", meaning="Lung metastasis"),
        "outcome_text": "Lung metastasis during follow-up",
        "status": "predicted",
        "probability": 0.42,
        "interval": (0.21, 0.66),
        "segment": 1,
        "intended_use": "Soft-tissue sarcoma",
        "limitations": "Research use only; n=51",
    }
    return Prediction(**{**values, **changes})


def explanation() -> Explanation:
    """Two contributions of opposite sign."""
    return Explanation(
        bundle="sts-metastasis",
        bundle_digest="ab" * 32,
        method="linear contributions (exact)",
        base_logit=-0.61,
        logit=-0.32,
        contributions=[
            Contribution(name="sphericity", value=0.7, contribution=-0.21),
            Contribution(name="suv_max", value=19.8, contribution=0.5),
        ],
        additive_error=0,
        deletion=DeletionCheck(explained_area=0.3, random_area=0.4, passed=True),
        segment=1,
    )


def results() -> dict[str, list[Artifact[Any]]]:
    """What each step of a complete case writes, as far as the console shows it."""
    receipt = Receipt(
        destination="pacs", object_digest="0" * 64, kind="SEG", status="stored", dicom_status="0000", attempts=1
    )
    return {
        "harmonize": [Artifact(VOLUME, ct(), "CT"), Artifact(VOLUME, pet(), "PET")],
        "segment": [Artifact(REGIONS, regions())],
        "quantify": [Artifact(FEATURES, features())],
        "predict": [Artifact(PREDICTION, prediction(), "sts-metastasis.1")],
        "explain": [Artifact(EXPLANATION, explanation(), "sts-metastasis.1")],
        "deliver": [Artifact(RECEIPTS, Receipts(receipts=[receipt]))],
    }


class Browser:
    """Calls the application without a server, and keeps its cookies."""

    def __init__(self, app: FastAPI, headers: Mapping[str, str] | None = None) -> None:
        self._app = app
        self.headers = dict(headers or {})
        self.cookies = httpx.Cookies()

    def get(self, path: str, **more: Any) -> httpx.Response:
        """GET, without following redirections."""
        return self.call("GET", path, **more)

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url=f"http://{HOST}", headers=self.headers, cookies=self.cookies
            ) as client:
                response = await client.request(method, path, **more)
                self.cookies = client.cookies
                return response

        return asyncio.run(send())

    def submit(self, path: str, fields: Mapping[str, str], *, page: str = "/", **more: Any) -> httpx.Response:
        """Send a form as the page at `page` holds it, its token included."""
        found = re.search(r'name="token_of_form" value="([0-9a-f]+)"', self.get(page).text)
        token = {"token_of_form": found[1]} if found else {}
        return self.call("POST", path, data={**token, **fields}, **more)


class Stage:
    """A console on embedded parts in a folder, fed by hand."""

    def __init__(self, folder: Path, *, token: str = "", site_key: SiteKey | None = SITE_KEY) -> None:
        self.folder = folder
        self.bus = SqliteBus(folder / "bus.db")
        self.bus.ensure_topics(all_topics([]))
        self.engine = open_database(folder, "console", tables.metadata)
        self.projection = Projection(self.engine)
        self.worklist = Worklist(self.engine)
        self.stores = {
            CLINICAL: CaseStore(FolderStore(folder / "clinical")),
            ANALYSIS: CaseStore(FolderStore(folder / "analysis")),
        }
        self.commands = Commands(self.bus)
        self.context = Context(
            worklist=self.worklist,
            artifacts=CaseArtifacts(self.stores, 64 * 1024 * 1024),
            commands=self.commands,
            access=Access(token),
            site_key=site_key,
        )
        self.app = create_app(self.context)
        self.browser = Browser(self.app)

    def hear(self, *events: LedgerEvent) -> int:
        """Take lines of the ledger; number of new ones."""
        return self.projection.take(event.SerializeToString() for event in events)

    def play(
        self, story: Story, until: str = "deliver", written: Mapping[str, list[Artifact[Any]]] | None = None
    ) -> str:
        """Run a story with real manifests in the stores, and hear it; the case's id."""
        written = results() if written is None else written
        case_id = story.case.case_id
        while story.case.slip:
            step = story.case.slip[0].step
            store = self.stores[STEPS[step].zone]
            entries = [
                ArtifactEntry(
                    contract=artifact.contract.name,
                    role=artifact.role,
                    parts=[
                        store.put_blob(case_id, part.name, part.media_type, part.data)
                        for part in artifact.contract.write(artifact.value)
                    ],
                )
                for artifact in written.get(step, [])
            ]
            key = digest_json([case_id, step])
            store.commit(Manifest(case_id=case_id, step=step, step_key=key, algorithm_version="1", artifacts=entries))
            story.finish(key)
            if step == until:
                break
        self.hear(*story.events)
        return case_id

    def sent_commands(self) -> list[CaseCommand]:
        """Commands on the bus that were not read before."""
        if not any(self.bus.lag("test", [topics.COMMANDS]).values()):
            return []
        with self.bus.consumer("test", [topics.COMMANDS]) as consumer:
            records = consumer.poll(2.0)
            consumer.commit({record.source: record.offset + 1 for record in records})
        return [CaseCommand.FromString(record.value) for record in records]

    def publish(self, *messages: Message) -> None:
        """Put lines on the ledger's topic."""
        with self.bus.producer() as producer:
            for message in messages:
                producer.send(topics.LEDGER, message.SerializeToString(), key=b"key")

    def close(self) -> None:
        """Let go of everything."""
        self.commands.close()
        self.engine.dispose()
        self.bus.close()
