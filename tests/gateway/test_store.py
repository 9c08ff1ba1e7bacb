"""C-ECHO and C-STORE over real sockets."""

import io
import shutil
import struct
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from pynetdicom import AE
from tests.gateway.node import (
    A_RELEASE_RQ,
    Node,
    RawPeer,
    command_value,
    ct,
    data_set,
    echo_command,
    p_data,
    part10,
    store_command,
    until,
)

from lucidray.core.canonical import digest_bytes
from lucidray.core.topics import INTAKE_PARTITIONS
from lucidray.gateway.negotiation import STORAGE_SOP_CLASSES, TRANSFER_SYNTAXES

SUCCESS = 0x0000
EXPLICIT = [ExplicitVRLittleEndian]


def test_echo(node: Node) -> None:
    with node.peer() as association:
        assert association.send_c_echo().Status == SUCCESS


def test_an_object_is_stored_as_received_and_published(node: Node) -> None:
    file = part10(ct())
    assert node.send(file) == [SUCCESS]
    node.relayed()
    (event,) = node.stored()
    (instance,) = event.instances
    assert event.study_key == node.key.study("1.2.3.100")
    assert event.gateway_id == node.settings.gateway_id
    assert instance.object_key == f"intake/{event.study_key}/{instance.byte_digest}"
    held = node.store.get(instance.object_key)
    assert digest_bytes(held) == instance.byte_digest
    assert len(held) == instance.size_bytes
    assert data_set(held) == data_set(file)
    assert not instance.conflicting
    assert not node.files()


@pytest.mark.parametrize(
    "transfer_syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
)
def test_transfer_syntaxes_are_kept_to_the_bit(node: Node, transfer_syntax: str) -> None:
    file = part10(ct(), transfer_syntax)
    assert node.send(file) == [SUCCESS]
    node.relayed()
    (instance,) = node.instances()
    held = node.store.get(instance.object_key)
    assert data_set(held) == data_set(file)
    assert transfer_syntax.encode() in held[:400]


def test_every_storage_class_and_transfer_syntax_is_negotiated(tmp_path: Path) -> None:
    private = "1.2.826.0.1.3680043.9.9999.7"
    wanted = [*sorted(STORAGE_SOP_CLASSES), private]
    assert len(wanted) > 170
    with Node(tmp_path, storage_sop_classes=[private]) as node:
        for start in range(0, len(wanted), 100):
            with node.peer([(each, [ExplicitVRLittleEndian]) for each in wanted[start : start + 100]]) as association:
                accepted = {str(context.abstract_syntax) for context in association.accepted_contexts}
            assert accepted == set(wanted[start : start + 100])
        with node.peer([(CTImageStorage, [each]) for each in sorted(TRANSFER_SYNTAXES)]) as association:
            assert {str(each.transfer_syntax[0]) for each in association.accepted_contexts} == TRANSFER_SYNTAXES
    assert {HTJ2KLossless, JPEGLSLossless, RLELossless, "1.2.840.10008.1.2.4.50"} <= TRANSFER_SYNTAXES


def test_what_is_no_storage_class_is_not_accepted(node: Node) -> None:
    patient_root_find = "1.2.840.10008.5.1.4.1.2.1.1"
    with node.peer([(patient_root_find, EXPLICIT), (CTImageStorage, EXPLICIT)]) as association:
        assert [str(each.abstract_syntax) for each in association.accepted_contexts] == [CTImageStorage]


def test_the_senders_encoding_is_preferred(node: Node) -> None:
    syntaxes = [ImplicitVRLittleEndian, JPEG2000Lossless, ExplicitVRLittleEndian]
    with node.peer([(CTImageStorage, syntaxes)]) as association:
        assert association.accepted_contexts[0].transfer_syntax == [JPEG2000Lossless]


def test_echo_before_between_and_after_objects(node: Node) -> None:
    with node.peer() as association:
        for _ in range(3):
            assert association.send_c_echo().Status == SUCCESS
            assert association.send_c_store(dcmread(io.BytesIO(part10(ct())))).Status == SUCCESS
        assert association.send_c_echo().Status == SUCCESS
    node.relayed()
    assert len(node.instances()) == 3


def test_messages_in_one_segment_and_byte_by_byte(node: Node) -> None:
    """The pieces in which TCP brings the bytes must not matter."""
    dataset = ct(8)
    body, uid = data_set(part10(dataset)), str(dataset.SOPInstanceUID).encode()
    store = p_data(1, store_command(uid), command=True) + p_data(1, body, size=500)
    echo = p_data(3, echo_command(), command=True, size=11)
    with RawPeer(node.address) as peer:
        peer.associate()
        peer.socket.sendall(echo + store + echo + echo)
        assert [peer.status() for _ in range(4)] == [SUCCESS] * 4
        for byte in echo + store + echo:
            peer.socket.sendall(bytes([byte]))
        assert [peer.status() for _ in range(3)] == [SUCCESS] * 3
        peer.socket.sendall(bytes([A_RELEASE_RQ, 0, 0, 0, 0, 4, 0, 0, 0, 0]))
        assert peer.pdu()[0] == 6
        assert peer.pdu()[0] == 0


def test_fragments_of_every_size(node: Node) -> None:
    """Also empty ones, several in a PDU, and an empty last one, which old toolkits send."""
    dataset = ct(8)
    body, uid = data_set(part10(dataset)), str(dataset.SOPInstanceUID).encode()

    def pdv(data: bytes, flags: int) -> bytes:
        return struct.pack(">IBB", len(data) + 2, 1, flags) + data

    first, second = store_command(uid)[:20], store_command(uid)[20:]
    pdus = [pdv(first, 1) + pdv(second, 3) + pdv(body[:3], 0), pdv(b"", 0) + pdv(body[3:], 0), pdv(b"", 2)]
    with RawPeer(node.address) as peer:
        peer.associate()
        for pdu in pdus:
            peer.socket.sendall(struct.pack(">BxI", 4, len(pdu)) + pdu)
        assert peer.status() == SUCCESS
    node.relayed()
    assert data_set(node.store.get(node.instances()[0].object_key)) == body


def test_the_response_names_the_request(node: Node) -> None:
    dataset = ct(8)
    uid = str(dataset.SOPInstanceUID).encode()
    with RawPeer(node.address) as peer:
        peer.associate()
        message = p_data(1, store_command(uid, message_id=4711), command=True) + p_data(1, data_set(part10(dataset)))
        peer.socket.sendall(message)
        kind, body = peer.pdu()
    assert kind == 4
    assert command_value(body, 0x0120) == (4711).to_bytes(2, "little")
    assert command_value(body, 0x1000).rstrip(b"\0") == uid
    assert command_value(body, 0x0002).rstrip(b"\0") == CTImageStorage.encode()
    assert command_value(body, 0x0100) == b"\1\x80"


def test_several_associations_at_once(node: Node) -> None:
    files = [[part10(ct(32)) for _ in range(5)] for _ in range(4)]
    statuses: list[int] = []
    senders = [threading.Thread(target=lambda batch=batch: statuses.extend(node.send(*batch))) for batch in files]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert statuses == [SUCCESS] * 20
    node.relayed()
    assert len(node.instances()) == 20


def test_watermarks_reach_every_partition_and_follow_the_objects(node: Node) -> None:
    assert node.send(part10(ct())) == [SUCCESS]
    node.relayed()
    (event,) = node.stored()
    accepted = event.accepted_at.ToNanoseconds()

    def passed() -> set[int]:
        return {number for number, mark in node.watermarks() if mark.accepted_before.ToNanoseconds() > accepted}

    until(lambda: passed() == set(range(INTAKE_PARTITIONS)))
    times = [mark.accepted_before.ToNanoseconds() for partition, mark in node.watermarks() if partition == 3]
    assert times == sorted(times)


def _diagnostic(rejected: Any) -> int:
    return int(rejected.acceptor.primitive.diagnostic)


def test_ae_titles_and_limits_reject(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"calling_ae_titles": ["SENDER"], "require_called_ae_title": True, "max_associations": 1}
    with Node(tmp_path, **settings) as node:
        with node.peer() as association:
            second = AE("SENDER")
            second.add_requested_context(CTImageStorage)
            rejected = second.associate(*node.address, ae_title="LUCIDRAY")
            assert rejected.is_rejected
            assert _diagnostic(rejected) == 2  # local limit
            assert association.send_c_echo().Status == SUCCESS
        for calling, called, diagnostic in (("OTHER", "LUCIDRAY", 3), ("SENDER", "OTHER", 7)):
            ae = AE(calling)
            ae.add_requested_context(CTImageStorage)
            rejected = ae.associate(*node.address, ae_title=called)
            assert rejected.is_rejected
            assert _diagnostic(rejected) == diagnostic


@pytest.mark.skipif(not shutil.which("storescu"), reason="needs DCMTK (apt install dcmtk)")
def test_dcmtk_echoes_and_stores(node: Node, tmp_path: Path) -> None:
    folder = tmp_path / "send"
    folder.mkdir()
    files = {f"{number}.dcm": part10(ct()) for number in range(3)}
    for name, file in files.items():
        (folder / name).write_bytes(file)
    to = [node.address[0], str(node.address[1])]
    subprocess.run(["echoscu", "-aec", "LUCIDRAY", *to], check=True)
    subprocess.run(["storescu", "-aec", "LUCIDRAY", "+sd", *to, str(folder)], check=True)
    node.relayed()
    held = {data_set(node.store.get(instance.object_key)) for instance in node.instances()}
    assert held == {data_set(file) for file in files.values()}
