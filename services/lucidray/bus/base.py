"""What every bus can do, and what it promises.

Promises, held by one contract test that runs against each implementation:

- A record is durable when `Producer.flush` returns (or the `send` of a later batch says so by not raising).
- Records of one partition come in the order in which they were sent by one producer, at least once.
- A consumer group shares the partitions of its topics; no two live members own one partition.
- After a crash, reading resumes at the last committed offset.
- `Consumer.commit` raises `NotOwner` for a partition that is no longer owned, and commits nothing of it.
- A paused partition is not polled; one that is newly assigned while `pause_on_assign` is set starts paused.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self


class NotOwner(Exception):
    """The partition belongs to another member of the group now: the work will be done there."""


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass(frozen=True)
class TopicSpec:
    """A topic as code."""

    name: str
    partitions: int = 1


@dataclass(frozen=True)
class Record:
    """One record as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def source(self) -> TopicPartition:
        """Where it was read."""
        return TopicPartition(self.topic, self.partition)


class Producer(ABC):
    """Sends records. Safe for use by several threads."""

    @abstractmethod
    def send(
        self,
        topic: str,
        value: bytes,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> None:
        """Queue a record. Without `partition`: by hash of `key`; without `key`: in turn.

        Raises
        ------
        Permanent
            The record is too large, or the topic has no such partition.
        """

    @abstractmethod
    def flush(self) -> None:
        """Return when every record sent before is durable.

        Raises
        ------
        Transient
            The bus did not acknowledge in time.
        """

    @abstractmethod
    def close(self) -> None:
        """Flush and let go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Consumer(ABC):
    """One member of a consumer group. Used by one thread."""

    @abstractmethod
    def poll(self, timeout: float, max_records: int = 500) -> Sequence[Record]:
        """Records of owned, unpaused partitions; waits up to `timeout` seconds for the first.

        Also takes part in the group's life: partitions come and go only here. A member that
        does not poll for minutes is taken for dead, and holds up the others until then.

        Raises
        ------
        Permanent
            Another process has joined under the same member name.
        """

    @abstractmethod
    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit the offset of the next record to read, per partition.

        Raises
        ------
        NotOwner
            A partition is no longer ours.
        Transient
            The bus did not take it in time; the partitions may still be ours.
        """

    @abstractmethod
    def assignment(self) -> frozenset[TopicPartition]:
        """Partitions owned now."""

    @abstractmethod
    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Poll nothing from them until `resume`; they stay owned. Passes over those that are not ours."""

    @abstractmethod
    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Poll them again."""

    @abstractmethod
    def pause_on_assign(self, pause: bool) -> None:
        """Whether partitions that are handed to us from now on start paused."""

    @abstractmethod
    def seek(self, source: TopicPartition, offset: int) -> None:
        """Read on at `offset`.

        Raises
        ------
        NotOwner
            The partition is not ours.
        """

    @abstractmethod
    def close(self) -> None:
        """Leave the group, so that others take over at once. Commits nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Bus(ABC):
    """A way to topics."""

    @abstractmethod
    def ensure_topics(self, topics: Iterable[TopicSpec]) -> None:
        """Create the topics that are missing.

        Raises
        ------
        Permanent
            A topic exists with another number of partitions: keyed records would move.
        Transient
            The bus cannot be reached.
        """

    @abstractmethod
    def producer(self) -> Producer:
        """A new producer."""

    @abstractmethod
    def consumer(self, group: str, topics: Sequence[str], *, member: str = "") -> Consumer:
        """A new member of `group` that reads `topics` from the group's offsets, or from the start.

        `member` is a stable name for quick restarts (Kafka: group.instance.id); empty: anonymous.
        """

    @abstractmethod
    def lag(self, group: str, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """Records that `group` has not committed yet."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections; producers and consumers made from it must be closed first."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
