"""A thread that renews the leases of this process's members, so that slow work is not death."""

import threading
import time
from pathlib import Path

from lucidray.bus.sqlite.database import connect, failures, transaction
from lucidray.bus.sqlite.membership import renew
from lucidray.core.logging import get

# A member that does not poll for so long is stuck, as Kafka's max.poll.interval.ms has it.
MAX_POLL_INTERVAL_SECONDS = 300.0
RENEWALS_PER_LEASE = 5


class Heartbeat:
    """Renews leases for one bus. Starts its thread with the first member."""

    def __init__(self, path: Path, lease: float) -> None:
        self._path = path
        self.lease = lease
        self.interval = lease / RENEWALS_PER_LEASE
        self._polled: dict[str, float] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def polled(self, incarnation: str) -> None:
        """This member asks for records now."""
        self._polled[incarnation] = time.monotonic()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="bus-heartbeat", daemon=True)
                    self._thread.start()

    def forget(self, incarnation: str) -> None:
        """This member has left."""
        self._polled.pop(incarnation, None)

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        connection = connect(self._path, durable=False)
        try:
            while not self._stop.wait(self.interval):
                now = time.monotonic()
                alive = [
                    incarnation
                    for incarnation, polled in self._polled.copy().items()
                    if now - polled < MAX_POLL_INTERVAL_SECONDS
                ]
                if alive:
                    try:
                        with failures(self._path), transaction(connection):
                            renew(connection, alive, time.monotonic())
                    except Exception as error:  # the next one may succeed; if none does, others take over
                        get(__name__).warning("bus-heartbeat-failed", error=error)
        finally:
            connection.close()
