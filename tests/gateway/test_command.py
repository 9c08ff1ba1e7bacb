"""Command sets: what we read, and that pynetdicom reads what we write."""

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_dataset
from tests.gateway.node import command, echo_command, store_command

from lucidray.gateway.command import Status, is_uid, parse_command, store_request, store_response
from lucidray.imaging.elements import Malformed


def test_a_store_request_is_read() -> None:
    request = store_request(parse_command(store_command(b"1.2.3", message_id=65535)))
    assert request is not None
    assert (request.message_id, request.sop_instance_uid) == (65535, b"1.2.3")


def test_another_message_is_none_of_ours() -> None:
    assert store_request(parse_command(echo_command())) is None


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param([(0x0100, b"\1\0"), (0x0800, b"\0\0")], id="no-message-id"),
        pytest.param([(0x0100, b"\1\0"), (0x0110, b"\1\0"), (0x0800, b"\1\1")], id="no-data-set"),
        pytest.param([(0x0110, b"\1\0")], id="no-field"),
    ],
)
def test_an_incomplete_request_is_malformed(elements: list[tuple[int, bytes]]) -> None:
    with pytest.raises(Malformed):
        store_request(parse_command(command(*elements)))


def test_elements_of_other_groups_are_malformed() -> None:
    with pytest.raises(Malformed, match="group 0000"):
        parse_command(store_command(b"1.2") + b"\x08\0\x18\0\4\0\0\0" + b"1.2\0")


@given(st.binary(max_size=100))
def test_any_bytes_are_a_command_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        store_request(parse_command(data))


@pytest.mark.parametrize("comment", ["", "odd", "even", "x" * 100])
def test_the_response_is_a_whole_command_set(comment: str) -> None:
    request = store_request(parse_command(store_command(b"1.2.3")))
    assert request is not None
    pdu = store_response(request, 5, Status.OUT_OF_RESOURCES, comment)
    assert int.from_bytes(pdu[2:6], "big") == len(pdu) - 6
    assert int.from_bytes(pdu[6:10], "big") == len(pdu) - 10
    assert pdu[10:12] == bytes([5, 3])
    answer = read_dataset(io.BytesIO(pdu[12:]), is_implicit_VR=True, is_little_endian=True)
    assert answer.CommandGroupLength == len(pdu) - 24
    assert (answer.CommandField, answer.MessageIDBeingRespondedTo, answer.Status) == (0x8001, 7, 0xA700)
    assert answer.AffectedSOPInstanceUID == "1.2.3"
    assert answer.get("ErrorComment", "") == comment[:64]


@pytest.mark.parametrize("value, good", [(b"1.2.3", True), (b"1" * 64, True), (b"1.02", True), (b"1" * 65, False)])
def test_uids(value: bytes, good: bool) -> None:
    assert is_uid(value) is good
    assert not is_uid(value + b".")
    assert not is_uid(value + b"/")
    assert not is_uid(value + b"\n")
