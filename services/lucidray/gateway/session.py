"""Data transfer on one association: C-STORE is served here, all else is handed back."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lucidray.gateway.command import (
    COMMAND_DATA_SET_TYPE,
    NO_DATA_SET,
    StoreRequest,
    parse_command,
    store_request,
    store_response,
)
from lucidray.gateway.intake import Context, Intake, Reception
from lucidray.gateway.pdu import Command, Control, Data, PduReader
from lucidray.gateway.refusals import Peer
from lucidray.gateway.settings import Limits
from lucidray.imaging.elements import Malformed

POLL_SECONDS = 0.25  # how soon a wish of our own side (shutdown, idle abort) is noticed
MAX_FOREIGN_BYTES = 1 << 20  # data set of a message that is not C-STORE; what we negotiate has none
_COMMAND_LAST, _DATA, _DATA_LAST = 0x03, 0x00, 0x02
_NO_DATA_SET = NO_DATA_SET.to_bytes(2, "little")
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux


class Closed(Exception):
    """The peer closed the connection or the network failed."""


@dataclass(frozen=True)
class Transfer:
    """What one association needs to know of itself."""

    peer: Peer
    contexts: Mapping[int, Context]
    max_pdu: int
    limits: Limits


@dataclass(frozen=True)
class HandedBack:
    """A whole message that is not C-STORE, as P-DATA values: context id and control byte with fragment."""

    values: list[tuple[int, bytes]]


class StoreSession:
    """Reads an established association's socket until somebody else has to act.

    Parameters
    ----------
    active
        Called whenever bytes came or went: the association is not idle.
    interrupted
        Whether our own side wants to send something first.
    """

    def __init__(
        self,
        sock: socket.socket,
        transfer: Transfer,
        intake: Intake,
        active: Callable[[], None],
        interrupted: Callable[[], bool],
    ) -> None:
        self._socket = sock
        self._transfer = transfer
        self._intake = intake
        self._active = active
        self._interrupted = interrupted
        self._reader = PduReader(transfer.contexts, transfer.max_pdu)
        self._events: Iterator[Command | Data | Control] = iter(())
        self._context_id = 0
        self._request: StoreRequest | None = None
        self._reception: Reception | None = None
        self._foreign: list[tuple[int, bytes]] = []
        self._pdu_began: float | None = None
        self._object_began = 0.0
        self._pdus = 0

    def serve(self) -> HandedBack | Control | None:
        """Serve C-STORE until another message is whole, the peer ends the association, or we are interrupted.

        Raises
        ------
        Closed
            The connection is gone.
        Malformed
            The peer broke the protocol or a time limit; the association has to be aborted.
        """
        while True:
            for event in self._events:
                if isinstance(event, Control):
                    return event
                handed = self._command(event) if isinstance(event, Command) else self._data(event)
                if handed is not None:
                    return handed
            self._check_time()
            if self._interrupted():
                return None
            self._events = self._receive()

    def close(self) -> None:
        """The association is over; an object that is not whole is dropped."""
        if self._reception is not None:
            self._reception.abandon()
            self._reception = None
        self._intake.settle(self._transfer.peer)

    def _receive(self) -> Iterator[Command | Data | Control]:
        self._socket.settimeout(POLL_SECONDS)
        if _QUICK_ACK is not None:
            # Peers that leave Nagle's algorithm on wait for our ACK before the end of each object;
            # a delayed one costs 40 ms. The kernel disarms the option by itself.
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        try:
            count = self._socket.recv_into(self._reader.space())
        except TimeoutError:
            return iter(())
        except OSError:
            raise Closed from None
        if not count:
            raise Closed
        self._active()
        return self._reader.received(count)

    def _check_time(self) -> None:
        now = time.monotonic()
        limits = self._transfer.limits
        if not self._reader.in_pdu:
            self._pdu_began = None
        elif self._pdu_began is None or self._pdus != self._reader.pdus:
            self._pdu_began, self._pdus = now, self._reader.pdus
        elif now - self._pdu_began > limits.pdu_seconds:
            raise Malformed(f"a PDU did not arrive whole in {limits.pdu_seconds:g} s")
        if self._reception is not None and now - self._object_began > limits.object_seconds:
            raise Malformed(f"a data set did not arrive whole in {limits.object_seconds:g} s")

    def _command(self, command: Command) -> HandedBack | None:
        if self._reception is not None or self._foreign:
            raise Malformed("a command before the data set of the last one was complete")
        values = parse_command(command.data)
        request = store_request(values)
        self._context_id = command.context_id
        if request is not None:
            self._object_began = time.monotonic()
            self._request = request
            context = self._transfer.contexts[command.context_id]
            self._reception = self._intake.begin(self._transfer.peer, request, context)
            return None
        self._foreign = [(command.context_id, bytes([_COMMAND_LAST]) + command.data)]
        return self._handed() if values.get(COMMAND_DATA_SET_TYPE) == _NO_DATA_SET else None

    def _data(self, data: Data) -> HandedBack | None:
        if data.context_id != self._context_id or (self._reception is None and not self._foreign):
            raise Malformed("a data set that no command announced")
        if self._reception is None:
            return self._foreign_data(data)
        self._reception.write(data.views)
        if data.last:
            self._answer(self._reception)
        return None

    def _answer(self, reception: Reception) -> None:
        assert self._request is not None
        reply = reception.finish()
        self._reception = None
        self._active()
        self._socket.settimeout(self._transfer.limits.pdu_seconds)
        try:
            self._socket.sendall(store_response(self._request, self._context_id, reply.status, reply.comment))
        except OSError:
            raise Closed from None

    def _foreign_data(self, data: Data) -> HandedBack | None:
        last = len(data.views) - 1
        for number, view in enumerate(data.views or [memoryview(b"")]):
            flags = _DATA_LAST if data.last and number >= last else _DATA
            self._foreign.append((data.context_id, bytes([flags]) + view))
        if sum(len(value) for _, value in self._foreign) > MAX_FOREIGN_BYTES:
            raise Malformed(f"a data set of more than {MAX_FOREIGN_BYTES} bytes in a message that is not C-STORE")
        return self._handed() if data.last else None

    def _handed(self) -> HandedBack:
        values, self._foreign = self._foreign, []
        return HandedBack(values)
