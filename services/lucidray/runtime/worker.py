"""The loop that serves one topic of one step.

One thread owns the consumer and keeps polling while a child process computes: a member of
a Kafka group that does not poll is taken for dead. It takes one case at a time; its
partitions are paused meanwhile. The offset is committed after the case was forwarded and
only while the partition is still ours: otherwise the next owner finds the manifest and
forwards it again, which changes nothing.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from google.protobuf.message import DecodeError

from lucidray.bus.base import Bus, Consumer, NotOwner, Producer, Record
from lucidray.core import logging, metrics, topics
from lucidray.core.case import advanced, failing_seconds, head, quality_flag, retried, skipped
from lucidray.core.clock import Clock, SystemClock
from lucidray.core.errors import LucidrayError, Permanent
from lucidray.core.faults import commit_point
from lucidray.core.ledger import case_event, returned
from lucidray.core.worker import MAX_DEATHS, Action, ParkedLimit, after_failure, died
from lucidray.runtime.child import Child, Died, Job
from lucidray.runtime.settings import WorkerSettings
from lucidray.store.cases import CaseStore, Manifest
from lucidray.v1.case_pb2 import Case, Priority, Zone
from lucidray.v1.events_pb2 import CaseState

log = logging.get(__name__)

POLL_SECONDS = 0.2
BUSY_POLL_SECONDS = 0.02
SECONDS_PER_HOUR = 3600
STOP_MARKERS: Mapping[str, CaseState] = {
    "cancelled": CaseState.CASE_STATE_CANCELLED,
    "superseded": CaseState.CASE_STATE_SUPERSEDED,
}


class ChildPool:
    """Children shared by the workers of a process."""

    def __init__(self, size: int) -> None:
        self._free = [Child() for _ in range(size)]
        self._all = list(self._free)
        self._condition = threading.Condition()

    def take(self, timeout: float) -> Child | None:
        """A free child; those that worked last come first, for their caches are warm."""
        with self._condition:
            if not self._free and not self._condition.wait_for(lambda: bool(self._free), timeout):
                return None
            return self._free.pop()

    def give_back(self, child: Child) -> None:
        """Return a child."""
        with self._condition:
            self._free.append(child)
            self._condition.notify()

    def kill(self) -> None:
        """End all children at once."""
        for child in self._all:
            child.kill()


@dataclass(frozen=True)
class Served:
    """What a worker serves."""

    step: str
    zone: Zone
    factory: str
    priority: Priority

    @property
    def topic(self) -> str:
        """Topic of its cases."""
        return topics.step_topic(self.step, self.priority)


class Worker:
    """Serves one topic of one step until `stop` is set."""

    def __init__(
        self,
        served: Served,
        bus: Bus,
        store: CaseStore,
        pool: ChildPool,
        settings: WorkerSettings,
        stop: threading.Event,
        clock: Clock | None = None,
    ) -> None:
        self._served = served
        self._bus = bus
        self._store = store  # of the zone in which the step's outputs lie
        self._pool = pool
        self._settings = settings
        self._stop = stop
        self._clock = clock or SystemClock()
        self._limit = ParkedLimit(consecutive=settings.parked_consecutive)
        self.ready = False

    def run(self) -> None:
        """Serve; returns after `stop`, or when too many cases in a row were parked."""
        name = self._served.step
        with (
            self._bus.producer() as producer,
            self._bus.consumer(f"lucidray.{self._served.topic}", [self._served.topic]) as consumer,
        ):
            self.ready = True
            while not self._stop.is_set():
                for record in consumer.poll(POLL_SECONDS, max_records=1):
                    self._handle(record, consumer, producer)
                if self._limit.exceeded:
                    metrics.CONSUMER_STOPPED.labels(name).set(1)
                    log.error("consumer-stopped", step=name, reason="too many cases in a row were parked")
                    self.ready = False
                    self._stop.wait()
        self.ready = False

    def _handle(self, record: Record, consumer: Consumer, producer: Producer) -> None:
        try:
            case = Case.FromString(record.value)
        except DecodeError:
            log.error("not-a-case", topic=record.topic, partition=record.partition, offset=record.offset)
            consumer.commit({record.source: record.offset + 1})
            return
        with structlog.contextvars.bound_contextvars(case_id=case.case_id, step=self._served.step):
            consumer.pause(consumer.assignment())
            consumer.pause_on_assign(True)
            try:
                if self._process(case, consumer, producer):
                    consumer.commit({record.source: record.offset + 1})
                else:
                    consumer.seek(record.source, record.offset)  # stopping: the next owner begins anew
            except NotOwner:
                log.info("partition-lost")
            finally:
                consumer.pause_on_assign(False)
                consumer.resume(consumer.assignment())

    def _process(self, case: Case, consumer: Consumer, producer: Producer) -> bool:
        """True when the case has been handed on and may be committed."""
        try:
            outcome = self._marker(case) or self._work(case, consumer)
        except LucidrayError as error:  # a store that fails too: the case is tried again, the others are served
            self._failed(case, error, producer)
            return True
        if outcome is None:
            return False
        if isinstance(outcome, str):
            self._finish(case, STOP_MARKERS[outcome], producer)
        else:
            self._forward(*outcome, producer)
        commit_point("worker.forwarded", self._served.step)
        return True

    def _marker(self, case: Case) -> str:
        return self._store.marked(case.case_id, list(STOP_MARKERS))

    def _work(self, case: Case, consumer: Consumer) -> tuple[Case, Manifest] | str | None:
        """The case after its step, and what the step committed; or the marker that came meanwhile, or None when we
        are to stop first."""
        if not case.slip or head(case).step != self._served.step:
            raise Permanent(f"case {case.case_id}", "it is not this step's turn", "check who sends to the step's topic")
        manifest = self._compute(case, consumer)
        if manifest is None:
            return None
        after = self._advanced(case, manifest)
        commit_point("worker.committed", self._served.step)
        return self._marker(case) or (after, manifest)

    def _compute(self, case: Case, consumer: Consumer) -> Manifest | None:
        """The committed manifest, or None when we are to stop first."""
        label = f"{self._served.step}-g{case.generation}-r{case.run}"
        attempt = self._store.attempt(case.case_id, f"{label}-a{case.attempt}", MAX_DEATHS)
        if attempt > MAX_DEATHS:
            raise died(self._served.step, MAX_DEATHS)
        child = self._wait_for(lambda: self._pool.take(BUSY_POLL_SECONDS), consumer)
        if child is None:
            return None
        metrics.STEP_BUSY.labels(self._served.step).set(1)
        log.info("step-started", attempt=attempt)
        try:
            return self._supervise(child, case, consumer)
        except Died:
            child.kill()
            # Counted over all attempts: unlike an outage, a step that always dies is not tried for a day.
            deaths = self._store.attempt(case.case_id, f"{label}-deaths", MAX_DEATHS)
            raise died(self._served.step, max(attempt, deaths)) from None
        finally:
            metrics.STEP_BUSY.labels(self._served.step).set(0)
            self._pool.give_back(child)

    def _supervise(self, child: Child, case: Case, consumer: Consumer) -> Manifest | None:
        child.submit(Job(self._served.factory, case.SerializeToString()))
        deadline = time.monotonic() + self._settings.step_timeout_seconds
        while True:
            outcome = child.poll(BUSY_POLL_SECONDS)
            if isinstance(outcome, LucidrayError):
                raise outcome
            if outcome is not None:
                metrics.STEP_SECONDS.labels(self._served.step).observe(outcome.seconds)
                return outcome
            consumer.poll(0)  # everything is paused: this only keeps our place in the group
            if self._stop.is_set():
                deadline = min(deadline, time.monotonic() + self._settings.grace_seconds)
            if time.monotonic() > deadline:
                child.kill()
                if self._stop.is_set():
                    return None
                raise Permanent(
                    f"step '{self._served.step}'",
                    f"it took longer than {self._settings.step_timeout_seconds:.0f} s",
                    "raise worker.step_timeout_seconds, then `lucidray case retry`",
                )

    def _wait_for(self, take: Callable[[], Child | None], consumer: Consumer) -> Child | None:
        while not self._stop.is_set():
            child = take()
            if child is not None:
                return child
            consumer.poll(0)
        return None

    def _advanced(self, case: Case, manifest: Manifest) -> Case:
        step = self._served.step
        quality = [quality_flag(step, flag.code, flag.message, warning=flag.warning) for flag in manifest.quality]
        return advanced(case, manifest.step_key, self._served.zone, self._clock.now(), manifest.seconds, quality)

    def _forward(self, after: Case, manifest: Manifest, producer: Producer) -> None:
        metrics.STEP_OUTCOMES.labels(self._served.step, "done").inc()
        self._limit = self._limit.after(parked=False)
        log.info("step-done", seconds=round(manifest.seconds, 3))
        self._send_on(after, producer, summary=manifest.summary)

    def _send_on(self, after: Case, producer: Producer, summary: Mapping[str, str] | None = None) -> None:
        """Hand a case to its next step, or to dispatch when that was the last."""
        step = self._served.step
        state = CaseState.CASE_STATE_RUNNING if after.slip else CaseState.CASE_STATE_COMPLETED
        if after.slip:
            producer.send(topics.step_topic(after.slip[0].step, after.priority), after.SerializeToString())
        else:
            self._return(after, state, producer)
        new = [flag for flag in after.quality if flag.step == step]
        event = case_event(after, state, step, self._clock.now(), summary=summary, quality=new)
        self._say(event.SerializeToString(), after, producer)
        producer.flush()

    def _finish(self, case: Case, state: CaseState, producer: Producer) -> None:
        """Stop a case that a marker stops."""
        metrics.STEP_OUTCOMES.labels(self._served.step, "stopped").inc()
        self._return(case, state, producer)
        event = case_event(case, state, self._served.step, self._clock.now())
        event.ClearField("finished")
        self._say(event.SerializeToString(), case, producer)
        producer.flush()

    def _failed(self, case: Case, error: LucidrayError, producer: Producer) -> None:
        step = self._served.step
        action, now = Action.PARK, self._clock.now()
        if case.slip:
            retry_seconds = self._settings.retry_hours * SECONDS_PER_HOUR
            action = after_failure(error, case.slip[0], failing_seconds(case, now), retry_seconds)
        after = case
        if action is Action.SKIP:
            try:
                flag = quality_flag(step, "step-skipped", f"{step} was left out: {error.cause}")
                after = skipped(case, now, flag)
            except Permanent as too_large:
                action, error = Action.PARK, too_large
        elif action is Action.RETRY:
            after = retried(case, now)
        log.warning("step-failed", action=action.name.lower(), attempt=case.attempt, error=error)
        metrics.STEP_OUTCOMES.labels(step, action.name.lower()).inc()
        self._limit = self._limit.after(parked=action is Action.PARK)
        if action is Action.SKIP:
            self._send_on(after, producer)
            return
        state = {
            Action.RETRY: CaseState.CASE_STATE_RETRYING,
            Action.PARK: CaseState.CASE_STATE_PARKED,
            Action.QUARANTINE: CaseState.CASE_STATE_QUARANTINED,
        }[action]
        self._return(after, state, producer, error)
        self._say(case_event(after, state, step, now, error=error).SerializeToString(), case, producer)
        producer.flush()

    def _return(self, case: Case, state: CaseState, producer: Producer, error: LucidrayError | None = None) -> None:
        message = returned(case, state, self._served.step, error)
        producer.send(topics.RETURNED, message.SerializeToString(), key=case.case_id.encode())

    def _say(self, event: bytes, case: Case, producer: Producer) -> None:
        producer.send(topics.LEDGER, event, key=case.case_id.encode())
