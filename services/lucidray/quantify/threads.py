"""One thread for linear algebra: sums that are split over threads end in other digits."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import OpenBLASController, ThreadpoolController


class _Limit:
    """One limit for all who want it at once: OpenBLAS knows only one number of threads, the whole process's.

    threadpoolctl lets only the thread that limited OpenBLAS first do so again, and ignores all others without a word.
    Here a thread may limit while its host holds a limit of its own, and another may lift it: each takes over first.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._limiter: Any = None  # threadpoolctl has no types

    def enter(self) -> None:
        """The first limits."""
        with self._lock:
            if not self._inside:
                OpenBLASController.clear_controlling_thread(force=True)
                self._limiter = _controller().limit(limits=1, user_api="blas")
            self._inside += 1

    def leave(self) -> None:
        """The last restores what the first found."""
        with self._lock:
            self._inside -= 1
            if not self._inside:
                OpenBLASController.clear_controlling_thread(force=True)
                self._limiter.restore_original_limits()
                OpenBLASController.clear_controlling_thread()


_LIMIT = _Limit()


@contextmanager
def one_thread() -> Iterator[None]:
    """While the context lasts, in any thread, each matrix product of this process runs in its calling thread alone."""
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # searches the loaded libraries, which takes milliseconds
