"""What is not whole, not itself or too large is refused, told to the ledger, and leaves nothing."""

import errno
import os
import re
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
    RLELossless,
)
from sqlalchemy.exc import OperationalError
from tests.gateway.node import PLANTED, WAIT_SECONDS, Node, RawPeer, ct, data_set, part10

from lucidray.core.canonical import digest_bytes
from lucidray.gateway.spool import Incoming
from lucidray.v1.events_pb2 import CaseState, LedgerEvent

SUCCESS = 0x0000
UID = "1.2.3.4.5"


def encoded(dataset: Dataset, *, implicit: bool = False) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = implicit, True
    write_dataset(buffer, dataset)
    return bytes(buffer.getvalue())


def image(change: Callable[[Dataset], Any] = lambda _: None) -> Dataset:
    dataset = ct(16)
    dataset.SOPInstanceUID = UID
    change(dataset)
    return dataset


def without(keyword: str) -> Callable[[Dataset], Any]:
    return lambda dataset: delattr(dataset, keyword)


def with_value(keyword: str, value: Any) -> Callable[[Dataset], Any]:
    return lambda dataset: setattr(dataset, keyword, value)


def nested(depth: int) -> bytes:
    dataset = Dataset()
    for _ in range(depth):
        outer = Dataset()
        outer.ContentSequence = Sequence([dataset])
        dataset = outer
    whole = image()
    whole.ContentSequence = dataset.ContentSequence
    return encoded(whole)


def deflated(data: bytes) -> bytes:
    deflator = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflator.compress(data) + deflator.flush()


MALFORMED = 0xC000
MISMATCH = 0xA900


@pytest.mark.parametrize(
    "body, syntax, status, cause",
    [
        pytest.param(b"", ExplicitVRLittleEndian, MISMATCH, "SOPInstanceUID", id="empty"),
        pytest.param(b"\0" * 99, ExplicitVRLittleEndian, MALFORMED, "no value representation", id="zeros"),
        pytest.param(encoded(image())[:-1], ExplicitVRLittleEndian, MALFORMED, "ends 1 bytes after", id="cut"),
        pytest.param(encoded(image())[:200], ExplicitVRLittleEndian, MALFORMED, "ends", id="cut-in-the-header"),
        pytest.param(
            encoded(image(with_value("Rows", 17))),
            ExplicitVRLittleEndian,
            MALFORMED,
            "32 bytes short",
            id="short-pixels",
        ),
        pytest.param(
            encoded(image(with_value("NumberOfFrames", 3))),
            ExplicitVRLittleEndian,
            MALFORMED,
            "1024 bytes short",
            id="missing-frames",
        ),
        pytest.param(
            data_set(part10(image(), RLELossless))[:-30], RLELossless, MALFORMED, "(7FE0,0010)", id="cut-fragment"
        ),
        pytest.param(
            data_set(part10(image(), RLELossless)), ExplicitVRLittleEndian, MALFORMED, "encapsulated", id="not-native"
        ),
        pytest.param(encoded(image()), RLELossless, MALFORMED, "not encapsulated", id="not-encapsulated"),
        pytest.param(encoded(image()), ImplicitVRLittleEndian, MALFORMED, "ends", id="another-encoding"),
        pytest.param(nested(200), ExplicitVRLittleEndian, MALFORMED, "nested deeper", id="nested"),
        pytest.param(
            deflated(encoded(image()) + b"\0" * (4 << 20)),
            DeflatedExplicitVRLittleEndian,
            MALFORMED,
            "inflates to more",
            id="bomb",
        ),
        pytest.param(
            deflated(encoded(image()))[:-9], DeflatedExplicitVRLittleEndian, MALFORMED, "too early", id="cut-deflated"
        ),
        pytest.param(
            encoded(image(with_value("SOPInstanceUID", "1.2.3.4.6"))),
            ExplicitVRLittleEndian,
            MISMATCH,
            "SOPInstanceUID",
            id="another-object",
        ),
        pytest.param(
            encoded(image(with_value("SOPClassUID", MRImageStorage))),
            ExplicitVRLittleEndian,
            MISMATCH,
            "SOPClassUID",
            id="another-class",
        ),
        pytest.param(
            encoded(image(without("StudyInstanceUID"))),
            ExplicitVRLittleEndian,
            MISMATCH,
            "StudyInstanceUID",
            id="study",
        ),
        pytest.param(
            encoded(image(with_value("SeriesInstanceUID", ""))),
            ExplicitVRLittleEndian,
            MISMATCH,
            "SeriesInstanceUID",
            id="series",
        ),
    ],
)
def test_refused_with_a_reason(tmp_path: Path, body: bytes, syntax: str, status: int, cause: str) -> None:
    with Node(tmp_path, limits={"inflated_bytes": 1 << 20}) as node, RawPeer(node.address) as peer:
        peer.associate(syntax=syntax)
        assert peer.store(UID.encode(), body) == status
        assert not node.files()
        good = image()
        if syntax == ExplicitVRLittleEndian:
            assert peer.store(UID.encode(), encoded(good)) == SUCCESS  # the association goes on
        node.relayed()
        (event,) = node.refused()
        assert node.instances() == [] or syntax == ExplicitVRLittleEndian
    assert event.case_id.startswith("r")
    assert event.state == CaseState.CASE_STATE_REFUSED
    assert event.step == "gateway"
    assert cause in event.cause
    assert event.thing
    assert event.remedy
    assert event.summary["status"] == f"0x{status:04X}"
    for phi in (PLANTED, UID, "1.2.3.100"):
        assert phi.encode() not in event.SerializeToString()


def test_a_sop_class_that_is_not_the_contexts_is_refused(node: Node) -> None:
    with RawPeer(node.address) as peer:
        peer.associate(sop_class=CTImageStorage)
        assert peer.store(UID.encode(), encoded(image()), sop_class=MRImageStorage) == 0x0122


def test_too_large_is_refused_and_the_association_goes_on(tmp_path: Path) -> None:
    with Node(tmp_path, limits={"object_bytes": 20_000}) as node, RawPeer(node.address) as peer:
        peer.associate()
        big = ct(256)
        assert peer.store(str(big.SOPInstanceUID).encode(), data_set(part10(big))) == 0xA700
        assert not node.files()
        assert peer.store(UID.encode(), encoded(image())) == SUCCESS
        node.relayed()
        (event,) = node.refused()
        assert "larger than 20000 bytes" in event.cause


def refuse(node: Node, *objects: tuple[str, bytes]) -> None:
    with RawPeer(node.address) as peer:
        peer.associate()
        for uid, body in objects:
            assert peer.store(uid.encode(), body) != SUCCESS


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def objects_of(event: LedgerEvent) -> int:
    return int(event.summary["objects"])


def test_many_objects_refused_for_one_reason_fill_one_line_with_their_number(node: Node) -> None:
    zeros = b"\0" * 99
    refuse(node, *((f"1.2.3.{number}", zeros) for number in range(25)))
    wait(lambda: any(objects_of(event) == 25 for event in node.refused()))
    events = node.refused()
    assert len({event.case_id for event in events}) == 1
    assert len({event.event_id for event in events}) == len(events)
    assert sorted(map(objects_of, events)) == [1, 2, 4, 8, 16, 25]
    last = max(events, key=objects_of)
    assert re.match(r"25 objects from \S+ \(127\.0\.0\.1\), last object [0-9a-f]{12}$", last.thing)
    assert last.at.ToDatetime() == max(event.at.ToDatetime() for event in events)

    refuse(node, ("1.2.3.0", zeros), ("1.2.3.99", zeros))  # one of them again, in another association
    wait(lambda: any(objects_of(event) == 26 for event in node.refused()))
    assert {event.case_id for event in node.refused()} == {last.case_id}


def test_another_reason_has_a_line_of_its_own(node: Node) -> None:
    whole = encoded(image())
    refuse(node, (UID, whole[:-1]), (UID, whole[:-9]), (UID, b"\0" * 99))
    wait(lambda: len(node.refused()) == 2)
    assert sorted(objects_of(event) for event in node.refused()) == [1, 1]
    assert len({event.case_id for event in node.refused()}) == 2


def _full(*_: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _locked(*_: Any) -> Any:
    raise OperationalError("insert", {}, Exception("database or disk is full"))


@pytest.mark.parametrize("method", ["write", "seal"])
def test_a_full_disk_is_told_and_nothing_is_half_stored(
    node: Node, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    file = part10(ct(256))
    with monkeypatch.context() as full:
        full.setattr(Incoming, method, _full)
        assert node.send(file) == [0xA700]
        assert not node.files()
    assert node.send(file) == [SUCCESS]
    node.relayed()
    assert len(node.instances()) == 1


def test_a_full_database_is_told_and_nothing_is_half_stored(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    file = part10(ct())
    with monkeypatch.context() as full:
        full.setattr(node.gateway._index, "accept", _locked)
        assert node.send(file) == [0xA700]
        assert not node.files()
    assert node.send(file) == [SUCCESS]


def test_an_unsure_commit_keeps_the_object(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row was written, and the database broke before it could say so."""
    file = part10(ct())
    real = node.gateway._index.accept

    def written_but_not_told(*arguments: Any) -> Any:
        real(*arguments)
        _locked()

    monkeypatch.setattr(node.gateway._index, "accept", written_but_not_told)
    assert node.send(file) == [0xA700]
    node.gateway._relay.wake()
    node.relayed()
    (instance,) = node.instances()
    assert digest_bytes(node.store.get(instance.object_key)) == instance.byte_digest
    monkeypatch.undo()
    assert node.send(file) == [SUCCESS]
    node.relayed()
    assert len(node.instances()) == 1


def test_logs_name_no_patient_and_no_uid(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    whole = image()
    with RawPeer(node.address) as peer:
        peer.associate()
        peer.store(UID.encode(), encoded(whole)[:-1])
        peer.store(UID.encode(), encoded(whole))
    node.relayed()
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert "object-refused" in text
    for phi in (PLANTED, "planted-id", UID, "1.2.3.100"):
        assert phi not in text
