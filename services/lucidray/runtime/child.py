"""The process in which steps compute, so that the worker's thread keeps its place on the bus.

A child that crashes or runs out of memory takes only its case along. Libraries may say
anything while they compute: what they print or raise never leaves the child as text, for
it could quote what they read from a scan.
"""

import importlib
import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from lucidray.core import logging, metrics
from lucidray.core.children import end_with
from lucidray.core.errors import LucidrayError, Permanent
from lucidray.core.settings import CoreSettings
from lucidray.runtime.execute import execute
from lucidray.runtime.step import Step
from lucidray.store import open_store
from lucidray.store.cases import CaseStore, Manifest
from lucidray.v1.case_pb2 import Case, Zone

_CONTEXT = multiprocessing.get_context("spawn")


class Died(Exception):
    """The child ended while it worked."""


@dataclass(frozen=True)
class Job:
    """One step of one case. `factory` is ``package.module:function`` returning the `Step`."""

    factory: str
    case: bytes


@dataclass(frozen=True)
class Done:
    """How a job ended, and what the step counted meanwhile."""

    outcome: Manifest | LucidrayError
    counts_before: metrics.Counts
    counts_after: metrics.Counts


def load_step(factory: str) -> Step[Any]:
    """Build the step that a factory path names."""
    module, _, function = factory.partition(":")
    step: Step[Any] = getattr(importlib.import_module(module), function)()
    return step


def open_case_stores(spec_zones: set[Zone]) -> Mapping[Zone, CaseStore]:
    """The stores of the zones that a step touches."""
    return {zone: CaseStore(open_store(zone)) for zone in spec_zones}


def step_zones(step: Step[Any]) -> set[Zone]:
    """The zones that a step touches. A step of the analysis zone never opens the clinical store,
    but for `deidentify`, which stands between the two."""
    from lucidray.contracts.catalogue import DELIVERABLES, RECEIPTS, STUDY

    clinical = {contract.name for contract in (STUDY, DELIVERABLES, RECEIPTS)}
    names = {contract.name for contract in (*step.spec.reads, *step.spec.writes)}
    zones = {Zone.ZONE_CLINICAL} if names & clinical else set()
    return zones | ({Zone.ZONE_ANALYSIS} if names - clinical else set())


class Child:
    """A process that runs one job at a time. Started at the first job, restarted after a death."""

    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        """Start the process unless it runs."""
        if self._process is not None and self._process.is_alive():
            return
        self.kill()
        ours, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_main, args=(theirs, os.getpid()), daemon=True)
        self._process.start()
        theirs.close()
        self._connection = ours

    def submit(self, job: Job) -> None:
        """Give it work."""
        self.start()
        if self._connection is None:
            raise Died
        try:
            self._connection.send(job)
        except OSError:
            raise Died from None

    def poll(self, timeout: float) -> Manifest | LucidrayError | None:
        """The outcome, or None after `timeout` seconds without one.

        Raises
        ------
        Died
            The process ended.
        """
        if self._connection is None:
            raise Died
        try:
            if not self._connection.poll(timeout):
                return None
            done: Done = self._connection.recv()
        except (EOFError, OSError):
            raise Died from None
        metrics.add_step_counts(done.counts_before, done.counts_after)
        return done.outcome

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None


def _main(connection: Connection, parent: int) -> None:
    end_with(parent)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the worker decides when we end
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    core = CoreSettings.load()
    logging.configure("compute", core.log_level, human=core.log_human)
    steps: dict[str, Step[Any]] = {}
    while True:
        try:
            job: Job = connection.recv()
        except (EOFError, OSError):
            return
        before = metrics.step_counts()
        outcome = _run(job, steps)
        connection.send(Done(outcome, before, metrics.step_counts()))


def _run(job: Job, steps: dict[str, Step[Any]]) -> Manifest | LucidrayError:
    log = logging.get(__name__)
    case = Case.FromString(job.case)
    try:
        step = steps.get(job.factory) or steps.setdefault(job.factory, load_step(job.factory))
        return execute(step, case, open_case_stores(step_zones(step)))
    except LucidrayError as error:
        return error
    except MemoryError:
        os._exit(1)
    except Exception as error:
        log.error("step-failed", case_id=case.case_id, error=error)
        return Permanent(
            f"step '{case.slip[0].step}'",
            f"it failed unexpectedly: {logging.describe(error)}",
            "report it with the log line; `lucidray case retry` after an update",
        )
