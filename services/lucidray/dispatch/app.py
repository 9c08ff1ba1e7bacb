"""The threads of dispatch: one reads the gateways, one reads returns and commands, one keeps time."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

from lucidray.bus.base import Bus, NotOwner, Record
from lucidray.core import logging, topics
from lucidray.core.clock import Clock, SystemClock
from lucidray.core.database import open_database
from lucidray.core.errors import Permanent
from lucidray.core.faults import commit_point
from lucidray.core.settings import CoreSettings
from lucidray.dispatch import outbox, tables
from lucidray.dispatch.cases import Cases
from lucidray.dispatch.closing import Closer, say_study
from lucidray.dispatch.intake import Intake
from lucidray.dispatch.reading import read
from lucidray.dispatch.settings import DispatchSettings
from lucidray.dispatch.workflow import load_workflows
from lucidray.runtime.stop import Stop
from lucidray.serving.bundle import BundleShelf
from lucidray.store import open_store
from lucidray.store.cases import CaseStore
from lucidray.v1.case_pb2 import Zone
from lucidray.v1.events_pb2 import CaseCommand, CaseReturned, CaseState

log = logging.get(__name__)

POLL_SECONDS = 0.2
TICK_SECONDS = 1.0  # for deadlines; whatever this process reads or writes wakes its clock at once


class Dispatch:
    """The service. `start` it; it runs until `stop` is set."""

    def __init__(self, bus: Bus, stop: Stop, clock: Clock | None = None) -> None:
        core, settings = CoreSettings.load(), DispatchSettings.load()
        self._bus, self._stop, self._clock = bus, stop, clock or SystemClock()
        self._engine = open_database(core.data, "dispatch", tables.metadata, settings.database_url)
        objects = open_store(Zone.ZONE_CLINICAL)
        clinical, analysis = CaseStore(objects), CaseStore(open_store(Zone.ZONE_ANALYSIS))
        self._intake = Intake(self._engine, objects, core.site_key(), self._clock)
        self._cases = Cases(self._engine, clinical, analysis)
        workflows = load_workflows(settings.workflows)
        self._closer = Closer(self._engine, clinical, analysis, workflows, BundleShelf(), settings)
        self._written = threading.Event()
        self._threads = [
            threading.Thread(target=self._guard, args=(target,), name=f"dispatch-{target.__name__.strip('_')}")
            for target in (self._read_intake, self._read_cases, self._keep_time)
        ]

    @property
    def ready(self) -> bool:
        """Whether all threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Wait for the threads after `stop` was set."""
        self._written.set()
        for thread in self._threads:
            thread.join()
        self._engine.dispose()

    def _guard(self, target: Callable[[], None]) -> None:
        try:
            target()
        except BaseException as error:
            log.error("dispatch-failed", part=target.__name__, error=error)
            self._stop.fail()  # the supervisor starts the process again; nothing uncommitted is lost

    def _read_intake(self) -> None:
        with self._bus.consumer("lucidray.dispatch.intake", [topics.INTAKE]) as consumer:
            known: set[str] = set()
            while not self._stop.is_set():
                records = consumer.poll(POLL_SECONDS)
                if not records:
                    continue
                studies = self._intake.take(records)
                self._say_collecting(studies - known)
                known |= studies
                if studies or self._closer.waits:  # else it is only watermarks, which close nothing
                    self._written.set()
                commit_point("dispatch.indexed")
                try:
                    consumer.commit({record.source: record.offset + 1 for record in records})
                except NotOwner:
                    log.info("partition-lost")  # the next owner inserts the same rows again

    def _say_collecting(self, studies: set[str]) -> None:
        if not studies:
            return
        with self._engine.begin() as connection:
            for study_key in studies:
                say_study(connection, study_key, CaseState.CASE_STATE_COLLECTING, self._clock.now())

    def _read_cases(self) -> None:
        with self._bus.consumer("lucidray.dispatch.cases", [topics.RETURNED, topics.COMMANDS]) as consumer:
            while not self._stop.is_set():
                for record in consumer.poll(POLL_SECONDS):
                    self._take(record)
                    self._written.set()
                    try:
                        consumer.commit({record.source: record.offset + 1})
                    except NotOwner:
                        log.info("partition-lost")
                        break

    def _take(self, record: Record) -> None:
        if record.topic == topics.RETURNED:
            if (returned := read(CaseReturned, record)) is not None:
                self._cases.take_returned(returned, self._clock.now())
            return
        if (command := read(CaseCommand, record)) is None:
            return
        try:
            self._cases.take_command(command, self._clock.now())
            log.info("command", case_id=command.case_id, kind=int(command.kind), actor=command.actor)
        except Permanent as error:  # a store that fails is another matter: the command is delivered again
            log.warning("command-refused", case_id=command.case_id, actor=command.actor, error=error)

    def _keep_time(self) -> None:
        with self._bus.producer() as producer:
            while not self._stop.is_set():
                self._written.clear()
                now = self._clock.now()
                self._closer.close_due(now)
                self._cases.fire_timers(now)
                if not outbox.relay(self._engine, producer):
                    self._written.wait(TICK_SECONDS)


def start(bus: Bus, stop: Stop, stack: ExitStack) -> Callable[[], bool]:
    """Run dispatch in threads of this process; whether it is ready."""
    dispatch = Dispatch(bus, stop)
    stack.callback(dispatch.close)
    dispatch.start()
    return lambda: dispatch.ready
