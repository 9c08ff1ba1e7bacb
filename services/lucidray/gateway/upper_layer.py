"""Our data transfer inside pynetdicom's association.

pynetdicom accepts connections, negotiates, answers C-ECHO, releases and aborts. In the state of
data transfer (Sta6 of PS3.8 section 9.2) the bytes go to a `StoreSession` instead. This hooks into
internals of pynetdicom 3.0.4, which tests/gateway/test_pynetdicom_internals.py pins.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from socketserver import BaseServer
from typing import Any

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from lucidray.core import logging, metrics
from lucidray.gateway.negotiation import VERIFICATION
from lucidray.gateway.pdu import Control
from lucidray.gateway.session import POLL_SECONDS, Closed, HandedBack, StoreSession
from lucidray.gateway.settings import Limits
from lucidray.imaging.elements import Malformed

MAX_ASSOCIATE_BYTES = 256 << 10  # 128 contexts with 45 transfer syntaxes each take about 180 KiB
ANSWER_SECONDS = 1.0  # for the answer to a message that was handed back, before we read on
DRAIN_BYTES = 64 << 10

log = logging.get(__name__)

MakeSession = Callable[[Association, socket.socket, Callable[[], None], Callable[[], bool]], StoreSession]


class BoundedSocket(AssociationSocket):
    """A socket that nobody can hold open or fill: bounded length, and a deadline for the whole PDU."""

    pdu_seconds: float

    def recv(self, nr_bytes: int) -> bytearray:
        """Exactly `nr_bytes`, or fewer if the peer closed.

        Raises
        ------
        OSError
            The PDU is too long or does not come in time.
        """
        if nr_bytes > MAX_ASSOCIATE_BYTES:
            raise OSError(f"a PDU of {nr_bytes} bytes outside data transfer")
        sock = self.socket
        assert sock is not None
        data = bytearray(nr_bytes)
        view, position, deadline = memoryview(data), 0, time.monotonic() + self.pdu_seconds
        while position < nr_bytes:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            sock.settimeout(left)
            count = sock.recv_into(view[position:])
            if not count:
                break
            position += count
        view.release()
        del data[position:]
        return data

    def _shutdown_socket(self) -> None:
        sock = self.socket
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()  # also when the peer was quicker, where pynetdicom leaves it open


class _Waking(queue.Queue[Any]):
    """A queue that says when something came."""

    def __init__(self, came: threading.Event) -> None:
        super().__init__()
        self._came = came

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        self._came.set()


class _Checkpoint(threading.Event):
    """Where pynetdicom's association thread waits in each of its rounds, 1,000 a second.

    It rests here until one of its queues has something for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.work = threading.Event()
        self.set()

    def set(self) -> None:
        super().set()
        self.work.set()

    def wait(self, timeout: float | None = None) -> bool:
        passed = super().wait(timeout)
        self.work.wait(POLL_SECONDS)
        self.work.clear()
        return passed


class GuardedAssociation(Association):
    """pynetdicom's association thread, whose end is the connection's end.

    It decodes what a peer proposes without looking first, and would leave the connection open and uncounted.
    """

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:
            log.warning("association-failed", error=error)
            self.is_aborted, self.is_established = True, False
            self.dul.kill_dul()  # which closes the connection


class TransferProvider(DULServiceProvider):
    """pynetdicom's upper layer thread, with our data transfer."""

    _session: StoreSession | None
    _make_session: MakeSession
    _outgoing: threading.Event

    @classmethod
    def adopt(cls, association: Association, make_session: MakeSession, pdu_seconds: float) -> None:
        """Turn the parts of a fresh association, before its threads start, into ours."""
        association.__class__ = GuardedAssociation
        provider = association.dul
        provider.__class__ = cls
        assert isinstance(provider, cls)
        provider._session, provider._make_session = None, make_session
        provider._outgoing = threading.Event()
        checkpoint = _Checkpoint()
        association._reactor_checkpoint = checkpoint
        provider.to_user_queue = _Waking(checkpoint.work)
        association.dimse.msg_queue = _Waking(checkpoint.work)
        transport = provider.socket
        assert transport is not None
        transport.__class__ = BoundedSocket
        assert isinstance(transport, BoundedSocket)
        transport.pdu_seconds = pdu_seconds

    def run(self) -> None:
        try:
            self.run_reactor()
        except Exception as error:
            log.error("upper-layer-failed", error=error)
        finally:
            if self._session is not None:
                self._session.close()
                metrics.ASSOCIATIONS.dec()
            if self.socket is not None:
                self.socket._shutdown_socket()
            # The association thread may still wait for a request that will not come: None ends that.
            self.to_user_queue.put(None)  # type: ignore[arg-type]

    def send_pdu(self, primitive: Any) -> None:
        super().send_pdu(primitive)
        self._outgoing.set()

    def _is_transport_event(self) -> bool:
        state = self.state_machine.current_state
        if state == "Sta6":
            return self._transfer()
        if state == "Sta13":
            return self._drain()
        return super()._is_transport_event()

    def _transfer(self) -> bool:
        """Data transfer; True if something happened."""
        if not self.assoc.is_established:  # the association thread is about to say so, or to end it
            return False
        try:
            if self._session is None:
                self._session = self._begin()
            happened = self._session.serve()
        except Closed:
            self.event_queue.put("Evt17")
        except Malformed as error:
            log.warning("association-aborted", cause=str(error), peer=self.assoc.requestor.ae_title)
            self.event_queue.put("Evt19")
        else:
            return self._pass_on(happened)
        return True

    def _begin(self) -> StoreSession:
        transport = self.socket
        if transport is None or transport.socket is None:
            raise Closed
        session = self._make_session(self.assoc, transport.socket, self._idle_timer.restart, self._interrupted)
        metrics.ASSOCIATIONS.inc()
        return session

    def _interrupted(self) -> bool:
        return self._kill_thread or not self.to_provider_queue.empty()

    def _pass_on(self, happened: HandedBack | Control | None) -> bool:
        if isinstance(happened, Control):
            pdu, event = self._decode_pdu(bytearray(happened.pdu))
            self._recv_pdu.put(pdu)
            self.event_queue.put(event)
        elif isinstance(happened, HandedBack):
            self._outgoing.clear()
            for value in happened.values:
                primitive: Any = P_DATA()
                primitive.presentation_data_value_list = [list(value)]  # its check asks for a list
                self.assoc.dimse.receive_primitive(primitive)
            self._outgoing.wait(ANSWER_SECONDS)
        return happened is not None

    def _drain(self) -> bool:
        """What still comes after the end is read and dropped, so that our last PDU is not lost to a reset."""
        transport = self.socket
        assert transport is not None
        if transport.ready and transport.socket is not None:
            transport.socket.settimeout(POLL_SECONDS)
            with suppress(OSError):
                if transport.socket.recv(DRAIN_BYTES):
                    return True
        transport.close()
        return True


class Server(ThreadedAssociationServer):
    """Accepts connections, so many and no more.

    Raises
    ------
    OSError
        The address cannot be used.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, ae: AE, address: tuple[str, int], on_requested: Callable[[Any], None], limits: Limits, make: MakeSession
    ) -> None:
        self.limits = limits
        self.make_session = make
        super().__init__(
            ae,
            address,
            ae.ae_title,
            [VERIFICATION],
            evt_handlers=[(evt.EVT_REQUESTED, on_requested)],
            request_handler=Handler,
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def shutdown(self) -> None:
        """Stop accepting; open associations go on."""
        BaseServer.shutdown(self)
        self.server_close()

    def get_request(self) -> tuple[socket.socket, Any]:
        client, address = super().get_request()
        client.settimeout(self.limits.pdu_seconds)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        if len(self.active_associations) < self.limits.connections:
            return True
        metrics.ASSOCIATIONS_REJECTED.labels("connections").inc()
        log.warning("connection-refused", cause="too many are open", address=client_address[0])
        return False


class Handler(RequestHandler):
    """Makes our kind of association of a connection."""

    server: Server

    def _create_association(self) -> Association:
        association = super()._create_association()
        TransferProvider.adopt(association, self.server.make_session, self.server.limits.pdu_seconds)
        return association
