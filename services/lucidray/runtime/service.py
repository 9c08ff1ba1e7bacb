"""Run steps as a process: until SIGTERM or SIGINT, with health and metrics."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from lucidray.bus import open_bus
from lucidray.bus.base import TopicSpec
from lucidray.contracts.catalogue import STEPS
from lucidray.core import logging, topics
from lucidray.core.errors import LucidrayError
from lucidray.core.settings import CoreSettings
from lucidray.runtime.health import HealthServer
from lucidray.runtime.settings import WorkerSettings
from lucidray.runtime.stop import Stop
from lucidray.runtime.worker import ChildPool, Served, Worker
from lucidray.store import open_store
from lucidray.store.cases import CaseStore
from lucidray.v1.case_pb2 import Priority

log = logging.get(__name__)

# The entry points of the steps that come with Lucidray.
FACTORIES = {
    name: f"lucidray.{name}.step:build" if name != "reidentify" else "lucidray.deidentify.reidentify:build"
    for name in STEPS
}


class Steps:
    """The workers of some steps, in threads of this process, over a shared pool of children."""

    def __init__(self, names: Sequence[str], stop: Stop) -> None:
        settings = WorkerSettings.load()
        self._bus = open_bus()
        self._bus.ensure_topics(all_topics(names))
        self._pools = [ChildPool(settings.processes), ChildPool(1)]
        stores = {zone: CaseStore(open_store(zone)) for zone in {STEPS[name].zone for name in names}}
        priorities = [Priority.PRIORITY_ROUTINE] + ([Priority.PRIORITY_URGENT] if settings.urgent else [])
        self._workers = [
            Worker(
                Served(name, STEPS[name].zone, FACTORIES[name], priority),
                self._bus,
                stores[STEPS[name].zone],
                self._pools[priority == Priority.PRIORITY_URGENT],
                settings,
                stop,
            )
            for name in names
            for priority in priorities
        ]
        self._stop = stop
        self._threads = [threading.Thread(target=self._guard, args=(worker,)) for worker in self._workers]

    def _guard(self, worker: Worker) -> None:
        try:
            worker.run()
        except BaseException as error:
            log.error("worker-failed", error=error)
            self._stop.fail()  # the supervisor restarts the process; the case is redelivered

    @property
    def ready(self) -> bool:
        """Whether every worker is served."""
        return all(worker.ready for worker in self._workers)

    def start(self) -> None:
        """Begin to serve."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Wait for the workers after `stop` was set, then end the children."""
        for thread in self._threads:
            thread.join()
        for pool in self._pools:
            pool.kill()
        self._bus.close()


def all_topics(steps: Sequence[str]) -> list[TopicSpec]:
    """The topics of some steps and those that everybody shares."""
    priorities = (Priority.PRIORITY_ROUTINE, Priority.PRIORITY_URGENT)
    return [
        TopicSpec(topics.INTAKE, topics.INTAKE_PARTITIONS),
        TopicSpec(topics.RETURNED, topics.STEP_PARTITIONS),
        TopicSpec(topics.COMMANDS, 1),
        TopicSpec(topics.LEDGER, topics.STEP_PARTITIONS),
        *(
            TopicSpec(topics.step_topic(step, priority), topics.STEP_PARTITIONS)
            for step in steps
            for priority in priorities
        ),
    ]


SUPERVISED = "LUCIDRAY_SUPERVISED"  # set by a supervisor that holds the other end of our standard input


def _stop_with_supervisor(stop: Stop) -> None:
    """Set `stop` when the supervisor is gone, even by SIGKILL: nobody would end this process."""

    def watch() -> None:
        while os.read(0, 1):  # not sys.stdin: its lock, held at exit by a daemon thread, would be fatal
            pass
        stop.set()

    if os.environ.get(SUPERVISED):
        threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()


@contextmanager
def stop_on_signal() -> Iterator[Stop]:
    """An event that SIGTERM and SIGINT set."""
    stop = Stop()

    def ask(*_: object) -> None:
        stop.set()

    before = {each: signal.signal(each, ask) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def run_process(name: str, start: Callable[[Stop, ExitStack], Callable[[], bool]]) -> None:
    """Run one process until it is told to stop.

    Parameters
    ----------
    name
        Printed on every log line.
    start
        Starts the parts, registers how they end on the stack, returns whether they are ready.
        Calls `Stop.fail` itself when a part fails.

    Raises
    ------
    SystemExit
        With status 1: it could not start, or a part failed.
    """
    logging.configure(name)  # for what may be wrong with the settings
    with stop_on_signal() as stop:
        _stop_with_supervisor(stop)
        try:
            core = CoreSettings.load()
            logging.configure(name, core.log_level, human=core.log_human)
            with ExitStack() as stack:
                ready = start(stop, stack)
                stack.enter_context(HealthServer(core.http_host, core.http_port, ready=ready))
                log.info("started")
                stop.wait()
        except LucidrayError as error:
            log.error("cannot-run", error=error)
            stop.fail()
    log.info("stopped")
    if stop.failed:
        sys.exit(1)


def run_steps(name: str, steps: Sequence[str]) -> None:
    """Serve some steps as one process."""
    run_process(name, partial(start_steps, steps))


def start_steps(names: Sequence[str], stop: Stop, stack: ExitStack) -> Callable[[], bool]:
    """Serve some steps in threads of this process; whether they are ready."""
    steps = Steps(names, stop)
    stack.callback(steps.close)
    steps.start()
    return lambda: steps.ready


def run_step(factory: str) -> None:
    """Serve one step as a process; `factory` as in `FACTORIES`."""
    name = next(name for name, each in FACTORIES.items() if each == factory)
    run_steps(name, [name])
