"""Reading P-DATA-TF PDUs (PS3.8 section 9.3.5): bytes in, pieces of messages out; no sockets.

One buffer is filled by the caller and read in place: a piece of a data set is a view of it, good
until the next call. Every length is bounded before anything depends on it.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

from lucidray.gateway.command import MAX_COMMAND_BYTES
from lucidray.imaging.elements import Malformed

BUFFER_BYTES: Final = 256 << 10
P_DATA_TF, A_RELEASE_RQ, A_ABORT = 0x04, 0x05, 0x07

_PDU_HEADER = Struct(">BxI")
_PDV_HEADER = Struct(">IBB")
_CONTROL_BYTES = 4  # of A-RELEASE-RQ and A-ABORT after the header
_IS_COMMAND, _IS_LAST = 0x01, 0x02


@dataclass(frozen=True, slots=True)
class Command:
    """A whole command set."""

    context_id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Data:
    """Pieces of one data set, in order; `last`: it is complete."""

    context_id: int
    views: list[memoryview]
    last: bool


@dataclass(frozen=True, slots=True)
class Control:
    """A whole PDU that ends the association: A-RELEASE-RQ or A-ABORT."""

    pdu: bytes


class PduReader:
    """Turns received bytes into messages.

    Parameters
    ----------
    context_ids
        The accepted presentation contexts.
    max_pdu
        Longest PDU body, as it was negotiated.
    """

    def __init__(self, context_ids: Container[int], max_pdu: int) -> None:
        self._context_ids = context_ids
        self._max_pdu = max_pdu
        self._view = memoryview(bytearray(BUFFER_BYTES))
        self._begin = self._end = 0
        self._pdu_left = self._pdv_left = 0
        self._in_pdv = False
        self._context_id = self._flags = 0
        self._command = bytearray()
        self._pieces: list[memoryview] = []
        self.pdus = 0  # whole ones so far

    @property
    def in_pdu(self) -> bool:
        """Whether a PDU has begun and is not whole."""
        return self._pdu_left > 0 or self._end > self._begin

    def space(self) -> memoryview:
        """Where to put the next bytes; never empty."""
        if self._begin == self._end:
            self._begin = self._end = 0
        elif self._begin:  # the beginning of a header
            rest = bytes(self._view[self._begin : self._end])
            self._view[: len(rest)] = rest
            self._begin, self._end = 0, len(rest)
        return self._view[self._end :]

    def received(self, count: int) -> Iterator[Command | Data | Control]:
        """What the next `count` bytes in `space()` complete or carry.

        Ends early after a `Control`. The views of `Data` are good until the next `space()`.

        Raises
        ------
        Malformed
            A length or type breaks the protocol; the association cannot go on.
        """
        self._end += count
        while True:
            if self._in_pdv:
                if self._pdv_left and self._begin == self._end:
                    break
                yield from self._fragment()
            elif self._pdu_left:
                if self._end - self._begin < _PDV_HEADER.size:
                    break
                self._pdv_header()
            else:
                if self._end - self._begin < _PDU_HEADER.size:
                    break
                kind, length = _PDU_HEADER.unpack_from(self._view, self._begin)
                if kind != P_DATA_TF:
                    whole = self._control(kind, length)
                    if whole is not None:
                        yield whole
                    break
                self._pdu_header(length)
        if self._pieces:
            yield Data(self._context_id, self._taken(), False)

    def _pdu_header(self, length: int) -> None:
        if not _PDV_HEADER.size <= length <= self._max_pdu:
            raise Malformed(f"a PDU of {length} bytes, where at most {self._max_pdu} were negotiated")
        self._begin += _PDU_HEADER.size
        self._pdu_left = length

    def _pdv_header(self) -> None:
        length, context_id, flags = _PDV_HEADER.unpack_from(self._view, self._begin)
        if length < 2 or length + 4 > self._pdu_left:
            raise Malformed("a PDV that does not fit its PDU")
        if context_id not in self._context_ids:
            raise Malformed("a PDV of a presentation context that was not accepted")
        if self._pieces and (context_id != self._context_id or flags & _IS_COMMAND):
            raise Malformed("a PDV of another message before the data set was complete")
        self._context_id, self._flags = context_id, flags
        self._begin += _PDV_HEADER.size
        self._pdu_left -= _PDV_HEADER.size
        self._pdv_left = length - 2
        self._in_pdv = True

    def _fragment(self) -> Iterator[Command | Data]:
        count = min(self._pdv_left, self._end - self._begin)
        piece = self._view[self._begin : self._begin + count]
        self._begin += count
        self._pdv_left -= count
        self._pdu_left -= count
        self._in_pdv = self._pdv_left > 0
        if not self._in_pdv and not self._pdu_left:
            self.pdus += 1
        last = not self._in_pdv and self._flags & _IS_LAST
        if not self._flags & _IS_COMMAND:
            self._pieces.append(piece)
            if last:
                yield Data(self._context_id, self._taken(), True)
            return
        self._command += piece
        if len(self._command) > MAX_COMMAND_BYTES:
            raise Malformed(f"a command set of more than {MAX_COMMAND_BYTES} bytes")
        if last:
            command, self._command = bytes(self._command), bytearray()
            yield Command(self._context_id, command)

    def _control(self, kind: int, length: int) -> Control | None:
        if kind not in (A_RELEASE_RQ, A_ABORT) or length != _CONTROL_BYTES:
            raise Malformed(f"a PDU of type {kind} during data transfer")
        end = self._begin + _PDU_HEADER.size + length
        if self._end < end:
            return None
        pdu = bytes(self._view[self._begin : end])
        self._begin = end
        return Control(pdu)

    def _taken(self) -> list[memoryview]:
        pieces, self._pieces = self._pieces, []
        return pieces
