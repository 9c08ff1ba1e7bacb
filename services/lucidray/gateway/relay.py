"""From the spool to the clinical store, and from there to the bus.

The order of effects: upload, publish, mark, remove from the spool. A crash in between repeats what
came after the last mark; uploads are create-only and events are commutative, so repeats do nothing.
"""

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from lucidray.bus.base import Producer
from lucidray.core import logging, metrics
from lucidray.core.errors import LucidrayError, Permanent
from lucidray.core.faults import commit_point
from lucidray.core.topics import INTAKE, INTAKE_PARTITIONS, LEDGER
from lucidray.gateway.index import InstanceIndex, Pending, Relayed, Version, moment
from lucidray.gateway.refusals import lost_event
from lucidray.gateway.spool import Spool
from lucidray.imaging.content import content_digest
from lucidray.store.base import ObjectStore
from lucidray.v1.events_pb2 import InstancesStored, IntakeEvent, StoredInstance, Watermark

BATCH = 200  # rows a round; an event of so many instances takes about 50 kB
MESSAGES = 500
GATHER_SECONDS = 0.2  # objects of one study come in a row: one round for many of them spares disk flushes
FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.5, 30.0

log = logging.get(__name__)


class Relay:
    """Publishes what was accepted; all its work is in `run_once`, which a thread repeats.

    Parameters
    ----------
    store
        The clinical store.
    failed
        Called when the thread ends by a failure that it does not understand.
    """

    def __init__(
        self,
        index: InstanceIndex,
        spool: Spool,
        store: ObjectStore,
        producer: Producer,
        gateway_id: str,
        watermark_seconds: float,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._index = index
        self._spool = spool
        self._store = store
        self._producer = producer
        self._gateway_id = gateway_id
        self._interval = watermark_seconds
        self._failed = failed
        self._work = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guard, name="gateway-relay")

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """There is work."""
        self._work.set()

    def start(self) -> None:
        """Begin to relay."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the round that runs now; what is left is relayed after the next start."""
        self._stop.set()
        self._work.set()
        if self._thread.ident is not None:
            self._thread.join()

    def run_once(self) -> bool:
        """One round; True if there is more to do at once.

        Raises
        ------
        LucidrayError, SQLAlchemyError, OSError
            A part is out of order; nothing is lost.
        """
        messages = self._index.queued(MESSAGES)
        for message in messages:
            self._producer.send(message.topic, message.value, key=message.key.encode())
        if messages:
            self._producer.flush()
            self._index.unqueue(messages)
        rows = self._index.pending(BATCH)
        metrics.OUTBOX_PENDING.labels("gateway").set(self._index.count_pending() if len(rows) == BATCH else len(rows))
        relayed = self._upload(rows)
        if relayed:
            commit_point("gateway.uploaded")
            self._publish(relayed)
            commit_point("gateway.published")
            self._index.mark([result for _, result in relayed])
            for row, _ in relayed:
                self._spool.remove(row.spool_name)
        return bool(relayed) or len(messages) == MESSAGES

    def send_watermark(self) -> None:
        """Tell every partition of the intake up to when all is published."""
        mark = Watermark(gateway_id=self._gateway_id)
        mark.accepted_before.FromDatetime(self._index.watermark())
        value = IntakeEvent(watermark=mark).SerializeToString()
        for partition in range(INTAKE_PARTITIONS):
            self._producer.send(INTAKE, value, partition=partition)
        self._producer.flush()

    def _guard(self) -> None:
        try:
            self._run()
        except BaseException as error:
            log.error("relay-failed", error=error)
            self._failed()

    def _run(self) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        due = time.monotonic()  # of the next watermark
        while not self._stop.is_set():
            self._work.clear()
            try:
                more = self.run_once()
                if time.monotonic() >= due:
                    self.send_watermark()
                    due = time.monotonic() + self._interval
                backoff = FIRST_BACKOFF_SECONDS
            except (LucidrayError, SQLAlchemyError, OSError) as error:
                log.error("relay-waits", error=error, seconds=backoff)
                self._stop.wait(backoff)
                backoff = min(2 * backoff, LAST_BACKOFF_SECONDS)
                continue
            if not more and self._work.wait(max(due - time.monotonic(), 0)):
                self._stop.wait(GATHER_SECONDS)

    def _upload(self, rows: Sequence[Pending]) -> list[tuple[Pending, Relayed]]:
        relayed: list[tuple[Pending, Relayed]] = []
        for row in rows:
            try:
                result = self._compare(row)
            except FileNotFoundError as error:
                self._tell_lost(row, error)
                continue
            if result is None:
                continue
            if result.object_key is not None:
                self._store.put_new(result.object_key, self._spool.path(row.spool_name))
            relayed.append((row, result))
        return relayed

    def _tell_lost(self, row: Pending, error: FileNotFoundError) -> None:
        """Acknowledged and gone: a person must know, and other studies must not wait for it."""
        event = lost_event(row)
        if self._index.lose(row, LEDGER, event.case_id, event.SerializeToString()):
            log.error("object-lost-from-spool", instance_key=row.instance_key, case_id=event.case_id, error=error)

    def _compare(self, row: Pending) -> Relayed | None:
        """What is to become of a row; None while an older version of it is not uploaded itself."""
        path = self._spool.path(row.spool_name)
        path.stat()
        object_key = f"intake/{row.study_key}/{row.byte_digest}"
        versions = self._index.versions(row)
        if not versions:
            return Relayed(row.id, object_key, None, conflicting=False)
        if any(version.object_key is None for version in versions):
            return None
        content = _content(path.read_bytes())
        known = [self._content_of(version) for version in versions]
        if content is not None and content in known:
            metrics.OBJECTS_UNCHANGED.inc()
            log.info("same-content-again", instance_key=row.instance_key)
            return Relayed(row.id, None, content, conflicting=False)
        return Relayed(row.id, object_key, content, conflicting=True)

    def _content_of(self, version: Version) -> str | None:
        if version.content_digest is None and version.object_key is not None:
            held = self._store.find(version.object_key)
            content = None if held is None else _content(held)
            if content is not None:
                self._index.remember_content(version, content)
            return content
        return version.content_digest

    def _publish(self, relayed: Sequence[tuple[Pending, Relayed]]) -> None:
        studies: dict[str, list[tuple[Pending, Relayed]]] = defaultdict(list)
        for row, result in relayed:
            if result.object_key is not None:
                studies[row.study_key].append((row, result))
        for study_key, stored in studies.items():
            event = InstancesStored(event_id=uuid.uuid4().hex, gateway_id=self._gateway_id, study_key=study_key)
            event.accepted_at.FromDatetime(moment(max(row.accepted_at for row, _ in stored)))
            event.instances.extend(_stored(row, result) for row, result in stored)
            self._producer.send(INTAKE, IntakeEvent(stored=event).SerializeToString(), key=study_key.encode())
        if studies:
            self._producer.flush()


def _stored(row: Pending, result: Relayed) -> StoredInstance:
    return StoredInstance(
        instance_key=row.instance_key,
        byte_digest=row.byte_digest,
        object_key=result.object_key or "",
        size_bytes=row.size,
        conflicting=result.conflicting,
    )


def _content(part10: bytes) -> str | None:
    """Content digest, or None where the object cannot be compared: then it counts as another one."""
    try:
        return content_digest(part10)
    except Permanent as error:
        log.warning("content-not-compared", error=error)
        return None
