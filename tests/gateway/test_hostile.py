"""Peers that break the protocol, stall, or leave: nothing is kept, nobody else is disturbed."""

import struct
import time

import pytest
from tests.gateway.node import (
    A_ABORT,
    A_ASSOCIATE_AC,
    VERIFICATION,
    Node,
    RawPeer,
    associate_request,
    command,
    ct,
    data_set,
    echo_command,
    gateway_threads,
    p_data,
    part10,
    store_command,
    until,
)

from lucidray.gateway.negotiation import STORAGE_SOP_CLASSES, TRANSFER_SYNTAXES
from lucidray.gateway.upper_layer import MAX_ASSOCIATE_BYTES

SUCCESS = 0x0000


def test_an_abort_midway_leaves_nothing(node: Node) -> None:
    dataset = ct(256)
    body, uid = data_set(part10(dataset)), str(dataset.SOPInstanceUID).encode()
    for end in (bytes([A_ABORT, 0, 0, 0, 0, 4, 0, 0, 0, 0]), b""):
        with RawPeer(node.address) as peer:
            peer.associate()
            peer.socket.sendall(p_data(1, store_command(uid), command=True) + p_data(1, body[:50000], last=False))
            until(node.files)
            peer.socket.sendall(end)
        until(lambda: not node.files())
    node.relayed()
    assert node.instances() == []
    assert node.send(part10(dataset)) == [SUCCESS]


def test_stalled_peers_do_not_block_others_and_are_put_out(node: Node) -> None:
    stalled = [RawPeer(node.address) for _ in range(node.settings.max_associations + 8)]
    for number, peer in enumerate(stalled):
        request = associate_request([(1, VERIFICATION, "1.2.840.10008.1.2")])
        peer.socket.sendall(request[: number % len(request)])  # nothing, half a header, half a request
    assert node.send(part10(ct())) == [SUCCESS]
    for peer in stalled:
        assert peer.pdu()[0] in (0, A_ABORT)
        peer.socket.close()
    until(lambda: len(gateway_threads()) == 2)


def test_a_pdu_that_comes_drop_by_drop_is_not_waited_for(node: Node) -> None:
    with RawPeer(node.address) as peer:
        peer.associate()
        peer.socket.sendall(p_data(3, echo_command(), command=True)[:-1])
        kind, _ = peer.pdu()
        assert kind == A_ABORT


def test_a_data_set_that_takes_too_long_is_not_waited_for(node: Node) -> None:
    limits = {"object_seconds": 0.5, "pdu_seconds": 5.0}
    with Node(node.folder / "other", limits=limits) as hasty, RawPeer(hasty.address) as peer:
        peer.associate()
        peer.socket.sendall(p_data(1, store_command(b"1.2.3"), command=True))
        peer.socket.settimeout(0.05)
        ended = False
        while not ended:  # whole PDUs, one after the other, for ever
            try:
                peer.socket.sendall(p_data(1, b"\0" * 8, last=False))
                ended = not peer.socket.recv(100) or True
            except TimeoutError:
                time.sleep(0.01)
            except ConnectionError:
                ended = True
        until(lambda: not hasty.files())


@pytest.mark.parametrize(
    "pdu",
    [
        pytest.param(struct.pack(">BxI", 4, 1 << 30), id="longer-than-negotiated"),
        pytest.param(struct.pack(">BxI", 4, 131073), id="a-byte-longer"),
        pytest.param(struct.pack(">BxI", 4, 5), id="too-short-for-a-pdv"),
        pytest.param(struct.pack(">BxIIBB", 4, 10, 100, 1, 3), id="pdv-longer-than-pdu"),
        pytest.param(struct.pack(">BxIIBB", 4, 10, 1, 1, 3), id="pdv-without-its-header"),
        pytest.param(struct.pack(">BxIIBB", 4, 10, 6, 9, 3) + b"0000", id="unknown-context"),
        pytest.param(struct.pack(">BxI", 9, 4) + b"0000", id="unknown-type"),
        pytest.param(struct.pack(">BxI", 5, 5) + b"00000", id="release-too-long"),
        pytest.param(associate_request([(1, VERIFICATION, "1.2.840.10008.1.2")]), id="associates-again"),
        pytest.param(p_data(1, b"12345678"), id="data-without-command"),
        pytest.param(p_data(1, b"\xff" * 50, command=True), id="garbage-command"),
        pytest.param(p_data(1, command((0x0002, b"1.2")), command=True), id="command-without-field"),
        pytest.param(p_data(1, b"\0" * (17 << 10), command=True), id="endless-command"),
        pytest.param(
            p_data(1, store_command(b"1.2"), command=True) + p_data(3, echo_command(), command=True),
            id="command-inside-object",
        ),
        pytest.param(
            p_data(1, store_command(b"1.2"), command=True) + p_data(3, b"12345678"), id="data-of-another-context"
        ),
    ],
)
def test_broken_protocol_aborts_this_association_alone(node: Node, pdu: bytes) -> None:
    with node.peer() as other:
        with RawPeer(node.address) as peer:
            peer.associate()
            peer.socket.sendall(pdu)
            assert peer.pdu()[0] == A_ABORT
            assert peer.pdu()[0] == 0
        assert other.send_c_echo().Status == SUCCESS
    until(lambda: not node.files())


@pytest.mark.parametrize("length", [MAX_ASSOCIATE_BYTES + 1, 0xFFFFFFFF])
def test_an_oversize_association_request_is_refused_unread(node: Node, length: int) -> None:
    with RawPeer(node.address) as peer:
        peer.socket.sendall(struct.pack(">BxI", 1, length))
        assert peer.pdu()[0] in (0, A_ABORT)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(b"\x20\0\0\1\1", id="context-of-a-byte"),
        pytest.param(b"\x20\0\0\0", id="context-of-nothing"),
        pytest.param(b"\x20\0\0\4\1\0\0\0", id="context-without-syntaxes"),
        pytest.param(b"\x20\0\xea\x60abc", id="longer-than-the-request"),
        pytest.param(b"\x50\0\0\1\x51", id="half-a-user-item"),
    ],
)
def test_a_malformed_association_request_leaves_no_connection(node: Node, item: bytes) -> None:
    request = associate_request([(1, VERIFICATION, "1.2.840.10008.1.2")])
    request = struct.pack(">BxI", 1, len(request) - 6 + len(item)) + request[6:] + item
    peers = [RawPeer(node.address) for _ in range(3)]
    for peer in peers:
        peer.socket.sendall(request)
    for peer in peers:
        kind, _ = peer.pdu()
        while kind:  # A-ASSOCIATE-RJ or A-ABORT, then the end
            assert kind != A_ASSOCIATE_AC
            kind, _ = peer.pdu()
        peer.socket.close()
    until(lambda: len(gateway_threads()) == 2)
    assert node.send(part10(ct())) == [SUCCESS]


def test_a_request_with_128_contexts_of_all_transfer_syntaxes_fits(node: Node) -> None:
    classes = sorted(STORAGE_SOP_CLASSES, key=len)[-128:]
    names = 8 + sum(len(uid) + 4 for uid in TRANSFER_SYNTAXES)
    assert sum(names + len(uid) + 4 for uid in classes) + 4096 < MAX_ASSOCIATE_BYTES
    with node.peer([(each, sorted(TRANSFER_SYNTAXES)) for each in classes]) as association:
        assert len(association.accepted_contexts) == 128


@pytest.mark.parametrize(
    "uid", [b"../../etc/passwd", b"1.2.3/../4", b"1..2", b"", b"1" * 65, b"1.2\0.3", b"\xff\xfe", b"Planted^Name"]
)
def test_a_uid_that_is_none_is_refused_before_anything_uses_it(node: Node, uid: bytes) -> None:
    with RawPeer(node.address) as peer:
        peer.associate()
        assert peer.store(uid, b"\0" * 100) == 0xC000
        peer.socket.sendall(p_data(3, echo_command(), command=True))
        assert peer.status() == SUCCESS
    assert not node.files()
    node.relayed()
    (event,) = node.refused()
    assert "not a UID" in event.cause
    assert b"Planted" not in event.SerializeToString()
    assert b"passwd" not in event.SerializeToString()


def test_more_connections_than_allowed_are_closed_at_once(node: Node) -> None:
    with Node(node.folder / "small", limits={"connections": 3, "pdu_seconds": 5.0}) as small:
        held = [RawPeer(small.address) for _ in range(3)]
        until(lambda: sum("AcceptorThread" in thread.name for thread in gateway_threads()) == 3)
        with RawPeer(small.address) as refused:
            assert refused.pdu()[0] == 0
        for peer in held:
            peer.socket.close()
        until(lambda: not any("AcceptorThread" in thread.name for thread in gateway_threads()))
        assert small.send(part10(ct())) == [SUCCESS]


def test_an_idle_association_ends(node: Node) -> None:
    limits = {"idle_seconds": 0.3, "pdu_seconds": 5.0}
    with Node(node.folder / "idle", limits=limits) as impatient, RawPeer(impatient.address) as peer:
        peer.associate()
        assert peer.pdu()[0] == A_ABORT


def test_closing_aborts_what_is_open(node: Node) -> None:
    other = Node(node.folder / "closing")
    with other:
        peer = RawPeer(other.address)
        peer.associate()
        peer.socket.sendall(p_data(1, store_command(b"1.2.3"), command=True) + p_data(1, b"1234", last=False))
        until(other.files)
    assert peer.pdu()[0] in (0, A_ABORT)
    assert not other.files()
    peer.socket.close()


def test_a_message_that_nobody_serves_ends_the_association(node: Node) -> None:
    """A C-FIND on a storage context: pynetdicom decides, and we go on with others."""
    find = command((0x0002, b"1.2.840.10008.5.1.4.1.1.2"), (0x0100, b"\x20\0"), (0x0110, b"\1\0"), (0x0800, b"\0\0"))
    with RawPeer(node.address) as peer:
        peer.associate()
        peer.socket.sendall(p_data(1, find, command=True) + p_data(1, b"\x08\0\x05\0CS\0\0"))
        kind, _ = peer.pdu()
        assert kind in (0, 4, A_ABORT)
    assert node.send(part10(ct())) == [SUCCESS]
