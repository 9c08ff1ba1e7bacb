"""Virtual receiving nodes on loopback, and small objects to send to them."""

import io
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    Comprehensive3DSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SegmentationStorage,
)
from pynetdicom import AE, evt
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from lucidray.contracts.catalogue import DELIVERABLES
from lucidray.core.clock import ManualClock
from lucidray.deliver.attempts import Attempts, metadata
from lucidray.deliver.settings import Destination
from lucidray.runtime.step import Artifact, CaseFacts

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
PHI = ("Doe", "MRN-7781", "19500212", "2.25.777")


@dataclass
class Node:
    """A DICOM node that records what it gets and answers as it is told."""

    name: str = "PACS"
    ae_title: str = "PACS"
    storage: tuple[tuple[str, str], ...] = (
        (SegmentationStorage, ExplicitVRLittleEndian),
        (Comprehensive3DSRStorage, ExplicitVRLittleEndian),
    )
    statuses: dict[str, int] = field(default_factory=dict)  # by SOP class; default Success
    matches: list[Dataset] | None = None  # None: queries are not offered
    require_calling: str = ""
    abort_on_store: bool = False
    port: int = 0
    received: list[tuple[UID, UID, bytes]] = field(default_factory=list)  # SOP class, transfer syntax, data set
    calling: list[str] = field(default_factory=list)

    def start(self) -> Any:
        entity = AE(ae_title=self.ae_title)
        entity.require_called_aet = True
        if self.require_calling:
            entity.require_calling_aet = [self.require_calling]
        for sop_class, transfer_syntax in self.storage:
            entity.add_supported_context(sop_class, transfer_syntax)
        if self.matches is not None:
            entity.add_supported_context(STUDY_ROOT_FIND)
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_C_FIND, self._find)]
        server: Any = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)  # type: ignore[arg-type]
        self.port = int(server.socket.getsockname()[1])
        return server

    def destination(self, **changes: Any) -> Destination:
        facts = {"name": self.name, "host": "127.0.0.1", "port": self.port, "called_ae_title": self.ae_title}
        return Destination(**facts | {"timeout_seconds": 5.0} | changes)

    def _store(self, event: evt.Event) -> int:
        self.calling.append(event.assoc.requestor.ae_title)
        if self.abort_on_store:
            event.assoc.abort()
            return 0
        request: Any = event.request
        sop_class = request.AffectedSOPClassUID
        self.received.append((sop_class, event.context.transfer_syntax, request.DataSet.getvalue()))
        return self.statuses.get(sop_class, 0x0000)

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        assert event.identifier.QueryRetrieveLevel == "STUDY"
        for match in self.matches or []:
            if match.StudyInstanceUID == event.identifier.StudyInstanceUID:
                yield 0xFF00, match
        yield 0x0000, None


def write_object(sop_class: str, uid: str, transfer_syntax: UID = ExplicitVRLittleEndian, **changes: Any) -> bytes:
    """A Part 10 file of one patient's study."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, uid
    dataset.StudyInstanceUID = "2.25.777"
    dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate = "MRN-7781", "Doe^Jane", "19500212"
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


SEG = write_object(SegmentationStorage, "2.25.1")
SR = write_object(Comprehensive3DSRStorage, "2.25.2")


@pytest.fixture
def nodes() -> Iterator[Callable[..., Node]]:
    """Starts nodes; all are stopped at the end."""
    servers = []

    def start(**facts: Any) -> Node:
        node = Node(**facts)
        servers.append(node.start())
        return node

    yield start
    for server in servers:
        server.shutdown()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def attempts(clock: ManualClock) -> Iterator[Attempts]:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    metadata.create_all(engine)
    yield Attempts(engine, clock)
    engine.dispose()


@pytest.fixture
def deliverables() -> list[Artifact[list[bytes]]]:
    return [Artifact(DELIVERABLES, [SR], "SR"), Artifact(DELIVERABLES, [SEG], "SEG")]


@pytest.fixture
def implicit_seg() -> Artifact[list[bytes]]:
    return Artifact(DELIVERABLES, [write_object(SegmentationStorage, "2.25.3", ImplicitVRLittleEndian)], "SEG")


@pytest.fixture
def case() -> CaseFacts:
    return CaseFacts(case_id="c0123", study_key="study", study_version=1, patient_key="patient", workflow="w")


@pytest.fixture
def phi() -> tuple[str, ...]:
    return PHI
