"""Reading P-DATA-TF PDUs: in whatever pieces the bytes come, the same messages come out."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.node import echo_command, p_data, store_command

from lucidray.gateway.pdu import BUFFER_BYTES, Command, Control, Data, PduReader
from lucidray.imaging.elements import Malformed

MAX_PDU = 16384
RELEASE = bytes([5, 0, 0, 0, 0, 4, 0, 0, 0, 0])


def messages(reader: PduReader, pieces: Iterator[bytes]) -> list[tuple[str, int, bytes]]:
    """What the reader makes of the pieces, with the parts of a data set put together."""
    found: list[tuple[str, int, bytes]] = []
    body = b""
    for piece in pieces:
        while piece:
            space = reader.space()
            count = min(len(space), len(piece))
            space[:count], piece = piece[:count], piece[count:]
            for event in reader.received(count):
                if isinstance(event, Data):
                    body += b"".join(event.views)
                    if event.last:
                        found.append(("data", event.context_id, body))
                        body = b""
                elif isinstance(event, Command):
                    found.append(("command", event.context_id, event.data))
                else:
                    found.append(("control", 0, event.pdu))
    return found


@given(
    bodies=st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=4),
    size=st.integers(1, 700),
    cuts=st.lists(st.integers(1, 5000), min_size=1),
)
def test_the_pieces_do_not_matter(bodies: list[bytes], size: int, cuts: list[int]) -> None:
    stream, expected = b"", []
    for number, body in enumerate(bodies):
        command = store_command(f"1.2.{number}".encode())
        stream += p_data(1, command, command=True, size=size) + p_data(1, body, size=size)
        stream += p_data(3, echo_command(), command=True)
        expected += [("command", 1, command), ("data", 1, body), ("command", 3, echo_command())]
    stream += RELEASE
    expected.append(("control", 0, RELEASE))

    def pieces() -> Iterator[bytes]:
        position = number = 0
        while position < len(stream):
            yield stream[position : position + cuts[number % len(cuts)]]
            position += cuts[number % len(cuts)]
            number += 1

    assert messages(PduReader({1, 3}, MAX_PDU), pieces()) == expected


def test_an_object_larger_than_the_buffer_needs_no_more_memory() -> None:
    body = bytes(range(256)) * (3 * BUFFER_BYTES // 256)
    stream = p_data(1, store_command(b"1.2"), command=True) + p_data(1, body)
    found = messages(PduReader({1}, MAX_PDU), iter([stream]))
    assert found[1] == ("data", 1, body)


def test_a_pdu_is_in_progress_until_it_is_whole() -> None:
    reader = PduReader({1}, MAX_PDU)
    stream = p_data(1, store_command(b"1.2"), command=True)
    assert not reader.in_pdu
    messages(reader, iter([stream[:3]]))
    assert reader.in_pdu
    messages(reader, iter([stream[3:-1]]))
    assert (reader.in_pdu, reader.pdus) == (True, 0)
    messages(reader, iter([stream[-1:]]))
    assert (reader.in_pdu, reader.pdus) == (False, 1)


@given(st.binary(max_size=200))
def test_any_bytes_end_in_messages_or_malformed(stream: bytes) -> None:
    reader = PduReader({1}, MAX_PDU)
    with suppress(Malformed):
        messages(reader, iter([p_data(1, store_command(b"1.2"), command=True) + stream]))


def test_nothing_is_read_after_the_end_of_the_association() -> None:
    reader = PduReader({1}, MAX_PDU)
    space = reader.space()
    space[: len(RELEASE) + 4] = RELEASE + b"more"
    assert list(reader.received(len(RELEASE) + 4)) == [Control(RELEASE)]


@pytest.mark.parametrize("length", [MAX_PDU + 1, 5, 0])
def test_the_length_of_a_pdu_is_checked_before_its_bytes_come(length: int) -> None:
    with pytest.raises(Malformed, match="PDU of"):
        messages(PduReader({1}, MAX_PDU), iter([b"\4\0" + length.to_bytes(4, "big")]))
