"""Failed sends, told to every thread that may have sent them."""

from threading import Lock, local


class Failures:
    """What went wrong in one producer, so that each thread's `flush` raises it once.

    A producer is shared by threads and records fail in the background. A thread must not
    learn of success because another thread's flush was faster to pick the failure up.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._count = 0
        self._last: Exception | None = None
        self._thread = local()

    def begin(self) -> None:
        """This thread sends a record: what failed before its first one does not concern it."""
        if not hasattr(self._thread, "seen"):
            self._thread.seen = self._count

    def record(self, error: Exception) -> None:
        """A record was not accepted."""
        with self._lock:
            self._count += 1
            self._last = error

    def take(self) -> Exception | None:
        """The last failure, if there was one that this thread was not told of."""
        with self._lock:
            seen, self._thread.seen = getattr(self._thread, "seen", 0), self._count
            return self._last if self._count > seen else None
