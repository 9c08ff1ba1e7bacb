"""The gateway as a whole: what is started, in which order, and how it ends."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from pynetdicom import AE, _config
from pynetdicom.association import Association

from lucidray.bus import Bus
from lucidray.core import logging
from lucidray.core.clock import Clock, SystemClock
from lucidray.core.database import open_database
from lucidray.core.errors import Permanent
from lucidray.core.settings import CoreSettings
from lucidray.gateway.index import InstanceIndex
from lucidray.gateway.intake import Context, Intake
from lucidray.gateway.negotiation import Negotiation
from lucidray.gateway.refusals import Peer
from lucidray.gateway.relay import Relay
from lucidray.gateway.session import StoreSession, Transfer
from lucidray.gateway.settings import GatewaySettings
from lucidray.gateway.spool import Spool
from lucidray.gateway.tables import metadata
from lucidray.gateway.upper_layer import Server
from lucidray.runtime.stop import Stop
from lucidray.store import open_store
from lucidray.store.base import ObjectStore
from lucidray.v1.case_pb2 import Zone

log = logging.get(__name__)


class Gateway:
    """One gateway; `start` and `close`, or as a context manager.

    Parameters
    ----------
    bus
        With the topics of the intake and the ledger; closed by the caller.
    store
        The clinical store.
    failed
        Called when a part ends by an unexpected failure.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        core: CoreSettings,
        bus: Bus,
        store: ObjectStore,
        clock: Clock | None = None,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        clock = clock or SystemClock()
        key = core.site_key()
        self._settings = settings
        self._engine = open_database(core.data, "gateway", metadata, settings.database_url)
        self._index = InstanceIndex(self._engine, settings.gateway_id, clock)
        self._spool = Spool(settings.spool or core.data / "gateway")
        self._producer = bus.producer()
        self._relay = Relay(
            self._index, self._spool, store, self._producer, settings.gateway_id, settings.watermark_seconds, failed
        )
        self._intake = Intake(self._spool, self._index, key, settings.limits, clock, self._relay.wake)
        self._ae = self._application_entity()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on; for settings with port 0."""
        assert self._server is not None
        return self._server.port

    def ready(self) -> bool:
        """Whether objects are taken and passed on."""
        return self._thread is not None and self._thread.is_alive() and self._relay.alive

    def start(self) -> None:
        """Remove what was never acknowledged, relay what was, then listen.

        Raises
        ------
        Permanent
            The address cannot be used, or another gateway uses the spool.
        """
        self._spool.lock.take()
        removed = self._spool.recover(self._index.spooled())
        found = self._index.reclaim(self._spool.holds)
        self._relay.start()
        try:
            self._server = self._listen()
        except OSError as error:
            raise Permanent(
                f"gateway address {self._settings.host}:{self._settings.port}",
                f"cannot listen there ({error.strerror})",
                "choose another gateway.host or gateway.port, or stop what uses it",
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="gateway-listener")
        self._thread.start()
        log.info("listening", host=self._settings.host, port=self.port, spool_removed=removed, found_again=found)

    def close(self) -> None:
        """Abort what is open, so that senders know at once, and stop."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            for association in self._ae.active_associations:
                association.abort()
                association.join()
        self._relay.close()
        self._producer.close()
        self._engine.dispose()
        self._spool.lock.release()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _application_entity(self) -> AE:
        limits = self._settings.limits
        ae = AE(self._settings.ae_title)
        ae.maximum_pdu_size = self._settings.max_pdu
        ae.maximum_associations = limits.connections  # ours counts only those that are established
        ae.acse_timeout = limits.pdu_seconds
        ae.network_timeout = limits.idle_seconds
        return ae

    def _listen(self) -> Server:
        address = (self._settings.host, self._settings.port)
        on_requested = Negotiation(self._settings).on_requested
        return Server(self._ae, address, on_requested, self._settings.limits, self._session)

    def _session(
        self,
        association: Association,
        sock: socket.socket,
        active: Callable[[], None],
        interrupted: Callable[[], bool],
    ) -> StoreSession:
        address = association.requestor.address_info
        transfer = Transfer(
            peer=Peer(association.requestor.ae_title.strip(), address.address if address else ""),
            contexts={
                context.context_id: Context(str(context.abstract_syntax), str(context.transfer_syntax[0]))
                for context in association.accepted_contexts
                if context.context_id is not None
            },
            max_pdu=self._settings.max_pdu,
            limits=self._settings.limits,
        )
        return StoreSession(sock, transfer, self._intake, active, interrupted)


def start(bus: Bus, stop: Stop, stack: ExitStack) -> Callable[[], bool]:
    """Start the gateway of the configuration; whether it is ready.

    Parameters
    ----------
    bus
        With its topics.
    stop
        Told when a part fails, so that the process ends and is started again.
    stack
        Closes the gateway.
    """
    # pynetdicom would format every PDU for its own log, with what is in it.
    _config.LOG_HANDLER_LEVEL = "none"
    gateway = Gateway(
        GatewaySettings.load(), CoreSettings.load(), bus, open_store(Zone.ZONE_CLINICAL), failed=stop.fail
    )
    stack.enter_context(gateway)
    return gateway.ready
