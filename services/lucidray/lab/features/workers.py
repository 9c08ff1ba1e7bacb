"""Processes that each work on one task at a time; one that dies takes only its task along."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

# A server without threads forks the processes, so that they start with libraries and compiled loops loaded.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["lucidray.lab.features.warmed"])
_PATIENCE = 0.5  # seconds that a process has to end by itself


class _Worker(Generic[T, R]):
    """A process and the task that it has."""

    def __init__(self, work: Callable[[T], R]) -> None:
        self.connection, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs, work), daemon=True)
        self._process.start()
        theirs.close()
        self.task = -1

    def submit(self, index: int, task: T) -> None:
        self.task = index
        with suppress(OSError):  # it has died: then its answer is an end of file
            self.connection.send(task)

    def end(self) -> int | None:
        """Stop it; its exit code."""
        self.connection.close()  # it ends when it waits for work
        self._process.join(timeout=_PATIENCE)
        self._process.kill()
        self._process.join()
        return self._process.exitcode


def run_each(work: Callable[[T], R], tasks: Sequence[T], jobs: int) -> Iterator[tuple[int, R | None, int | None]]:
    """Do all tasks in up to `jobs` processes.

    Parameters
    ----------
    work
        A function that pickles, and does not raise.

    Yields
    ------
    As they end: index of the task, its result, None; or where its process died: index, None, exit code.
    """
    waiting = list(enumerate(tasks))[::-1]
    workers: list[_Worker[T, R]] = []
    try:
        while waiting or workers:
            while waiting and len(workers) < max(1, jobs):
                workers.append(_Worker(work))
                workers[-1].submit(*waiting.pop())
            ready = wait([each.connection for each in workers])
            for worker in [each for each in workers if each.connection in ready]:
                done = worker.task
                try:
                    result: R = worker.connection.recv()
                except (EOFError, OSError):
                    workers.remove(worker)
                    yield done, None, worker.end()
                    continue
                if waiting:
                    worker.submit(*waiting.pop())
                else:
                    workers.remove(worker)
                    worker.end()
                yield done, result, None
    finally:
        for worker in workers:
            worker.end()


def _serve(connection: Connection, work: Callable[[T], R]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    with suppress(EOFError, OSError):  # the parent ended
        while True:
            task: T = connection.recv()
            connection.send(work(task))
