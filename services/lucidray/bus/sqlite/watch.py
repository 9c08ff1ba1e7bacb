"""One look at the file for all consumers of a process that wait for news."""

import threading
import time
from pathlib import Path

from lucidray.bus.sqlite import log
from lucidray.bus.sqlite.database import connect, failures
from lucidray.core.logging import get

# How long to sleep between looks: brief after activity, longer when idle.
SHORTEST_SLEEP = 0.002
LONGEST_SLEEP = 0.02
SLEEP_GROWTH = 1.2
PAUSE_SECONDS = 1.0  # after a failure


class Watch:
    """Tells waiting consumers when anybody writes records, or joins or leaves a group.

    SQLite has no way to tell a process of another's commit. ``PRAGMA data_version`` changes with every commit by
    another connection and costs microseconds; but a dozen idle consumers that each ask a hundred times a second cost
    a percent or three of a core, and one thread for all of them does not. It starts with the first that waits. Were it
    to fail, consumers would look when their polls begin and end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._news = threading.Condition()
        self._waiting = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self.changes = 0  # seen so far

    def wait(self, seen: int, timeout: float) -> None:
        """Until `changes` is not `seen` any more, or `timeout` seconds have passed."""
        with self._news:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="bus-watch", daemon=True)
                self._thread.start()
            self._waiting += 1
            if self._waiting == 1:
                self._news.notify_all()  # the thread rests while nobody waits
            try:
                self._news.wait_for(lambda: self.changes != seen or self._closed, timeout)
            finally:
                self._waiting -= 1

    def close(self) -> None:
        """Stop the thread."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        connection = connect(self._path, durable=False)
        version, news, sleep = -1, (-1, -1), SHORTEST_SLEEP
        try:
            while self._wanted():
                try:
                    with failures(self._path):
                        found = int(connection.execute("PRAGMA data_version").fetchone()[0])
                        told = log.news(connection) if found != version else news
                except Exception as error:
                    get(__name__).warning("bus-watch-failed", error=error)
                    time.sleep(PAUSE_SECONDS)
                    continue
                version = found
                if told == news:  # heartbeats and offsets concern nobody who waits
                    time.sleep(sleep)
                    sleep = min(sleep * SLEEP_GROWTH, LONGEST_SLEEP)
                    continue
                news, sleep = told, SHORTEST_SLEEP
                with self._news:
                    self.changes += 1
                    self._news.notify_all()
        finally:
            connection.close()

    def _wanted(self) -> bool:
        """Rest while nobody waits; false when it is over."""
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._closed)
            return not self._closed
