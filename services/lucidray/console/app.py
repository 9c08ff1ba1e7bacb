"""The console as a running service: one thread follows the ledger, one serves pages."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack

import uvicorn

from lucidray.bus import open_bus
from lucidray.bus.base import Bus
from lucidray.console import tables
from lucidray.console.access import Access
from lucidray.console.artifacts import CaseArtifacts
from lucidray.console.commands import Commands
from lucidray.console.context import Context
from lucidray.console.follower import Follower
from lucidray.console.projection import Projection
from lucidray.console.settings import ConsoleSettings
from lucidray.console.web import create_app
from lucidray.console.worklist import Worklist
from lucidray.core import logging
from lucidray.core.database import open_database
from lucidray.core.errors import Permanent
from lucidray.core.identity import SiteKey
from lucidray.core.settings import CoreSettings
from lucidray.runtime.service import all_topics
from lucidray.runtime.stop import Stop
from lucidray.store import open_store
from lucidray.store.cases import CaseStore
from lucidray.v1.case_pb2 import Zone

__all__ = ["Console", "create_app", "serve", "start"]

log = logging.get(__name__)

_GRACE_SECONDS = 3  # for requests under way when the console stops
_MEGABYTE = 1024 * 1024


class Console:
    """The service. It listens once made; `start` it, set `stop`, then `close` it.

    Parameters
    ----------
    rebuild
        Forget the projection and read the ledger's topic again from its start.

    Raises
    ------
    Permanent
        A setting is wrong, the port is taken, or the console would be open to the network without a token.
    """

    def __init__(self, bus: Bus, stop: Stop, *, rebuild: bool = False) -> None:
        core, settings = CoreSettings.load(), ConsoleSettings.load()
        access = Access(settings.token(), settings.allowed_hosts, local=settings.local)
        self._stop = stop
        self._socket = _listen(settings.host, settings.port)
        self._engine = open_database(core.data, "console", tables.metadata, settings.database_url)
        projection = Projection(self._engine)
        if rebuild:
            projection.clear()
        self._follower = Follower(bus, projection, stop)
        self._commands = Commands(bus)
        stores = {zone: CaseStore(open_store(zone)) for zone in (Zone.ZONE_CLINICAL, Zone.ZONE_ANALYSIS)}
        context = Context(
            worklist=Worklist(self._engine),
            artifacts=CaseArtifacts(stores, settings.cache_megabytes * _MEGABYTE),
            commands=self._commands,
            access=access,
            site_key=_site_key(core),
            reading=lambda: self._follower.reading,
            stop=stop,
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(context),
                log_config=None,  # its lines hold addresses, ours do not
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._threads = [
            threading.Thread(target=self._guard, args=(target,), name=f"console-{name}")
            for name, target in (("follower", self._follower.run), ("pages", self._serve))
        ]

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._socket.getsockname()[1])

    @property
    def ready(self) -> bool:
        """Whether pages are served and the ledger is followed."""
        return self._server.started and self._follower.reading

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()
        log.info("console-listens", port=self.port)

    def close(self) -> None:
        """Wait for the threads after `stop` was set."""
        self._server.should_exit = True
        for thread in self._threads:
            thread.join()
        self._commands.close()
        self._socket.close()
        self._engine.dispose()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def _guard(self, target: Callable[[], None]) -> None:
        try:
            target()
        except BaseException as error:
            log.error("console-failed", error=error)
            self._stop.fail()  # the supervisor starts the process again


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Permanent(
            f"console address {host}:{port}",
            f"cannot be listened on ({error.strerror})",
            "end what uses it or choose another console.port",
        ) from None
    return listening


def _site_key(core: CoreSettings) -> SiteKey | None:
    try:
        return core.site_key()
    except Permanent as error:
        log.warning("no-patient-search", error=error)  # the rest of the console works without it
        return None


def start(bus: Bus, stop: Stop, stack: ExitStack, *, rebuild: bool = False) -> Callable[[], bool]:
    """Start the console as a part of a process; whether it is ready."""
    console = Console(bus, stop, rebuild=rebuild)
    stack.callback(console.close)
    console.start()
    return lambda: console.ready


def serve(stop: Stop) -> None:
    """Run the console on a bus of its own until `stop` is set."""
    with ExitStack() as stack:
        bus = stack.enter_context(open_bus())
        bus.ensure_topics(all_topics([]))
        start(bus, stop, stack)
        stop.wait()
