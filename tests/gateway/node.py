"""A gateway with real parts in a folder, and peers to talk to it."""

import io
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)
from pynetdicom import AE
from pynetdicom.association import Association

from lucidray.bus.sqlite import SqliteBus
from lucidray.core.identity import write_site_key
from lucidray.core.settings import CoreSettings
from lucidray.core.topics import INTAKE, LEDGER
from lucidray.gateway.app import Gateway
from lucidray.gateway.settings import GatewaySettings
from lucidray.runtime.service import all_topics
from lucidray.store.base import ObjectStore
from lucidray.store.folder import FolderStore
from lucidray.v1.events_pb2 import InstancesStored, IntakeEvent, LedgerEvent, StoredInstance, Watermark

PLANTED = "Planted^Name"
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian)
VERIFICATION = "1.2.840.10008.1.1"
P_DATA_TF, A_ASSOCIATE_AC, A_RELEASE_RQ, A_ABORT = 4, 2, 5, 7
WAIT_SECONDS = 20.0


def ct(side: int = 64, sop_class: str = CTImageStorage, study: str = "1.2.3.100") -> Dataset:
    """A small CT image; its SOPInstanceUID is new."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, study + ".1"
    dataset.PatientName, dataset.PatientID, dataset.Modality = PLANTED, "planted-id", "CT"
    dataset.Rows = dataset.Columns = side
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    seed = int(str(dataset.SOPInstanceUID)[-6:].replace(".", ""))
    values = np.random.default_rng(seed).integers(0, 200, (side, side))
    dataset.PixelData = values.astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def part10(dataset: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """A native little-endian data set as a file in a transfer syntax."""
    copy = dcmread(io.BytesIO(_written(dataset, ExplicitVRLittleEndian)))
    if transfer_syntax == ExplicitVRBigEndian:
        copy.PixelData = np.frombuffer(copy.PixelData, "<u2").astype(">u2").tobytes()
    elif transfer_syntax not in NATIVE:
        copy.compress(transfer_syntax, generate_instance_uid=False)
    return _written(copy, transfer_syntax)


def _written(dataset: Dataset, transfer_syntax: str) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    plain = Dataset(dataset)
    plain.file_meta = meta
    buffer = io.BytesIO()
    implicit, little = transfer_syntax == ImplicitVRLittleEndian, transfer_syntax != ExplicitVRBigEndian
    plain.save_as(buffer, enforce_file_format=True, implicit_vr=implicit, little_endian=little)
    return buffer.getvalue()


def data_set(file: bytes) -> bytes:
    """The bytes of a file after its meta information."""
    return file[144 + int.from_bytes(file[140:144], "little") :]


class Node:
    """A gateway in `folder`; may be closed and opened again over the same data."""

    def __init__(self, folder: Path, store: ObjectStore | None = None, **settings: Any) -> None:
        self.folder = folder
        self.core = CoreSettings(data=folder)
        key = folder / "secrets" / "site.key"
        if not key.exists():
            key.parent.mkdir(parents=True)
            write_site_key(key)
        self.key = self.core.site_key()
        self.bus = SqliteBus(folder / "bus.db")
        self.bus.ensure_topics(all_topics([]))
        self.store = store or FolderStore(folder / "store")
        self.settings = GatewaySettings.model_validate({"port": 0, "watermark_seconds": 0.05, **settings})
        self.gateway = Gateway(self.settings, self.core, self.bus, self.store)

    def __enter__(self) -> Self:
        self.gateway.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.close()
        self.bus.close()

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.gateway.port

    def records(self, topic: str) -> list[tuple[int, bytes]]:
        """Partition and value of every record of a topic so far."""
        found: list[tuple[int, bytes]] = []
        group = f"test-{os.urandom(4).hex()}"
        with self.bus.consumer(group, [topic]) as consumer:
            count = sum(self.bus.lag(group, [topic]).values())
            while len(found) < count:
                found += [(record.partition, record.value) for record in consumer.poll(WAIT_SECONDS)]
        return found

    def stored(self) -> list[InstancesStored]:
        events = [IntakeEvent.FromString(value) for _, value in self.records(INTAKE)]
        return [event.stored for event in events if event.HasField("stored")]

    def instances(self) -> list[StoredInstance]:
        return [instance for event in self.stored() for instance in event.instances]

    def watermarks(self) -> list[tuple[int, Watermark]]:
        events = [(partition, IntakeEvent.FromString(value)) for partition, value in self.records(INTAKE)]
        return [(partition, event.watermark) for partition, event in events if event.HasField("watermark")]

    def refused(self) -> list[LedgerEvent]:
        return [LedgerEvent.FromString(value) for _, value in self.records(LEDGER)]

    def relayed(self) -> None:
        """Wait until nothing is left to publish."""
        until(lambda: not self.gateway._index.count_pending() and not self.gateway._index.queued(1))

    def files(self) -> list[Path]:
        """What lies in the spool."""
        return [path for path in (self.folder / "gateway").rglob("*") if path.is_file()]

    @contextmanager
    def peer(self, contexts: Sequence[tuple[str, Sequence[str]]] = ()) -> Iterator[Association]:
        """An association of pynetdicom's SCU; default contexts: echo and CT in explicit little endian."""
        ae = AE("SENDER")
        for sop_class, syntaxes in contexts or [
            (VERIFICATION, [ImplicitVRLittleEndian]),
            (CTImageStorage, NATIVE[1:2]),
        ]:
            ae.add_requested_context(sop_class, list(syntaxes))
        association = ae.associate(*self.address, ae_title=self.settings.ae_title)
        assert association.is_established
        try:
            yield association
        finally:
            if association.is_established:
                association.release()
            association.join()

    def send(self, *files: bytes) -> list[int]:
        """C-STORE of files as they are; statuses."""
        statuses = []
        for file in files:
            dataset = dcmread(io.BytesIO(file))
            syntax = dataset.file_meta.TransferSyntaxUID
            with self.peer([(dataset.SOPClassUID, [syntax])]) as association:
                statuses.append(int(association.send_c_store(dataset).Status))
        return statuses


def until(true: Callable[[], object]) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class RawPeer:
    """A peer that sends whatever the test wants, byte by byte."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=WAIT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def associate(self, sop_class: str = CTImageStorage, syntax: str = ExplicitVRLittleEndian) -> None:
        """Negotiate presentation context 1 for a storage class, and 3 for C-ECHO."""
        self.socket.sendall(associate_request([(1, sop_class, syntax), (3, VERIFICATION, ImplicitVRLittleEndian)]))
        assert self.pdu()[0] == A_ASSOCIATE_AC

    def pdu(self) -> tuple[int, bytes]:
        """The next PDU: type and body; type 0 when the connection is closed."""
        head = self._exactly(6)
        if len(head) < 6:
            return 0, b""
        kind, length = struct.unpack(">BxI", head)
        return kind, self._exactly(length)

    def status(self) -> int:
        """Status of the next response."""
        kind, body = self.pdu()
        assert kind == P_DATA_TF, kind
        return int.from_bytes(command_value(body, 0x0900), "little")

    def store(self, dataset_uid: bytes, body: bytes, sop_class: str = CTImageStorage) -> int:
        """One C-STORE; its status."""
        self.socket.sendall(p_data(1, store_command(dataset_uid, sop_class), command=True) + p_data(1, body))
        return self.status()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except ConnectionError:
                return data
            if not part:
                return data
            data += part
        return data


def command_value(body: bytes, element: int) -> bytes:
    """A value of the command set in the first PDV of a P-DATA-TF body."""
    position = 6
    while position < len(body):
        group, number, length = struct.unpack_from("<HHI", body, position)
        if (group, number) == (0, element):
            return body[position + 8 : position + 8 + length]
        position += 8 + length
    raise AssertionError(f"no element {element:04x}")


def store_command(uid: bytes, sop_class: str = CTImageStorage, message_id: int = 7) -> bytes:
    """A C-STORE-RQ."""
    return command(
        (0x0002, sop_class.encode()),
        (0x0100, b"\1\0"),
        (0x0110, struct.pack("<H", message_id)),
        (0x0700, b"\0\0"),
        (0x0800, b"\0\0"),
        (0x1000, uid),
    )


def echo_command(message_id: int = 9) -> bytes:
    """A C-ECHO-RQ."""
    return command(
        (0x0002, VERIFICATION.encode()),
        (0x0100, b"\x30\0"),
        (0x0110, struct.pack("<H", message_id)),
        (0x0800, b"\1\1"),
    )


def command(*elements: tuple[int, bytes]) -> bytes:
    """A command set."""
    body = b"".join(
        struct.pack("<HHI", 0, number, len(value) + len(value) % 2) + value + b"\0" * (len(value) % 2)
        for number, value in elements
    )
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def p_data(context_id: int, data: bytes, *, command: bool = False, size: int = 16000, last: bool = True) -> bytes:
    """P-DATA-TF PDUs with one PDV each."""
    parts = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
    pdus = []
    for number, part in enumerate(parts):
        flags = (1 if command else 0) | (2 if last and number == len(parts) - 1 else 0)
        pdus.append(struct.pack(">BxIIBB", P_DATA_TF, len(part) + 6, len(part) + 2, context_id, flags) + part)
    return b"".join(pdus)


def associate_request(contexts: Sequence[tuple[int, str, str]], padding: int = 0) -> bytes:
    """An A-ASSOCIATE-RQ; `padding` adds bytes to its user information."""

    def item(kind: int, body: bytes) -> bytes:
        return struct.pack(">BxH", kind, len(body)) + body

    proposed = b"".join(
        item(0x20, bytes([number, 0, 0, 0]) + item(0x30, abstract.encode()) + item(0x40, syntax.encode()))
        for number, abstract, syntax in contexts
    )
    user = item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3.4")
    body = struct.pack(">HH", 1, 0) + b"LUCIDRAY".ljust(16) + b"RAW".ljust(16) + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + proposed + item(0x50, user) + bytes(padding)
    return struct.pack(">BxI", 1, len(body)) + body


def gateway_threads() -> list[threading.Thread]:
    """Threads of associations and of gateways."""
    return [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith(("AcceptorThread", "gateway-"))
        or type(thread).__name__ == "TransferProvider"
        or "process_request_thread" in thread.name
    ]
