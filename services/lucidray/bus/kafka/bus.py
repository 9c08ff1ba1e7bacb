"""The Kafka bus: connections and topics."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove, OffsetSpec
from kafka.errors import (
    InvalidReplicationFactorError,
    KafkaTimeoutError,
    RetriableError,
    SaslAuthenticationFailedError,
    TopicAlreadyExistsError,
)
from kafka.net.compat import KafkaNetClient
from kafka.structs import TopicPartition as ClientPartition

from lucidray.bus.base import Bus, Consumer, Producer, TopicPartition, TopicSpec
from lucidray.bus.kafka.consumer import KafkaConsumer
from lucidray.bus.kafka.failures import failures, unreachable
from lucidray.bus.kafka.producer import KafkaProducer
from lucidray.bus.settings import BusSettings
from lucidray.core.errors import Permanent

Made = TypeVar("Made")


class KafkaBus(Bus):
    """Topics of a Kafka cluster. Connects when first used.

    Raises
    ------
    Permanent
        The file with the password cannot be read.
    """

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._connection = connection(settings)
        self._lock = Lock()
        self._admin_client: KafkaAdminClient | None = None

    def ensure_topics(self, topics: Iterable[TopicSpec]) -> None:
        wanted = {topic.name: topic for topic in topics}
        if not wanted:
            return
        with failures(self._settings, "topics"):
            missing = [wanted[name] for name in wanted if name not in self._partitions(wanted)]
            for topic in missing:
                self._create(topic)
            self._admin.wait_for_topics(list(wanted))
            for name, partitions in self._partitions(wanted).items():
                if len(partitions) != wanted[name].partitions:
                    raise Permanent(
                        f"topic {name}",
                        f"it has {len(partitions)} partitions, not {wanted[name].partitions}, "
                        "and keyed records must not move",
                        "keep the number, or drain the topic and delete it first",
                    )

    def producer(self) -> Producer:
        return self._made(lambda connection: KafkaProducer(self._settings, connection))

    def consumer(self, group: str, topics: Sequence[str], *, member: str = "") -> Consumer:
        def left() -> None:
            if member:  # Kafka waits for a named member's return; who closes does not come back soon
                with failures(self._settings, f"consumer group {group}"):
                    leaving = [MemberToRemove(group_instance_id=member)]
                    self._patiently(lambda: self._admin.remove_group_members(group, leaving))

        return self._made(lambda connection: KafkaConsumer(self._settings, connection, group, topics, member, left))

    def lag(self, group: str, topics: Sequence[str]) -> dict[TopicPartition, int]:
        with failures(self._settings, f"consumer group {group}"):
            sources = [
                ClientPartition(topic, number)
                for topic, numbers in self._partitions(topics).items()
                for number in sorted(numbers)
            ]
            if not sources:
                return {}
            committed = self._patiently(lambda: self._admin.list_group_offsets({group: sources})[group])
            first = self._admin.list_partition_offsets(dict.fromkeys(sources, OffsetSpec.EARLIEST))
            end = self._admin.list_partition_offsets(dict.fromkeys(sources, OffsetSpec.LATEST))
        result = {}
        for source in sources:
            start = max(first[source].offset, committed[source].offset if source in committed else 0)
            result[TopicPartition(*source)] = max(0, end[source].offset - start)
        return result

    def close(self) -> None:
        with self._lock:
            client, self._admin_client = self._admin_client, None
        if client is not None:
            client.close()

    @property
    def _admin(self) -> Any:
        with self._lock:
            if self._admin_client is None:
                self._admin_client = self._made(lambda connection: KafkaAdminClient(**connection))
            return self._admin_client

    def _made(self, make: Callable[[dict[str, Any]], Made]) -> Made:
        """A client of kafka-python; says why if it cannot be had, and leaves no thread of it behind."""
        network: list[Any] = []

        def kafka_client(**configs: Any) -> Any:
            network.append(KafkaNetClient(**configs))
            return network[-1]

        try:
            with failures(self._settings, "Kafka"):
                return make({**self._connection, "kafka_client": kafka_client})
        except BaseException as error:
            for client in network:
                client.close()
            if isinstance(error.__cause__, KafkaTimeoutError | SaslAuthenticationFailedError):
                raise unreachable(self._settings) from error.__cause__
            if isinstance(error, OSError):  # kafka-python reads the certificates itself
                raise Permanent(
                    f"certificates {self._settings.ssl_cafile}",
                    f"they cannot be used ({error.strerror})",
                    "name a PEM file in bus.ssl_cafile",
                ) from error
            raise

    def _patiently(self, ask: Callable[[], Made]) -> Made:
        """Ask a group's coordinator, which moves when brokers restart and is not there on a new cluster."""
        deadline = time.monotonic() + self._settings.connect_timeout_ms / 1000
        while True:
            try:
                return ask()
            except RetriableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _partitions(self, topics: Iterable[str]) -> dict[str, list[int]]:
        """Numbers of the partitions of those topics that exist."""
        described = self._admin.describe_topics(list(topics))
        return {
            topic["name"]: [partition["partition_index"] for partition in topic["partitions"]]
            for topic in described
            if topic["partitions"]
        }

    def _create(self, topic: TopicSpec) -> None:
        copies = self._settings.replication_factor
        # With three copies an acknowledged record is on two machines, and one may be down.
        configs = {"min.insync.replicas": str(copies - 1)} if copies > 2 else {}  # noqa: PLR2004
        try:
            self._admin.create_topics(
                {topic.name: {"num_partitions": topic.partitions, "replication_factor": copies, "configs": configs}}
            )
        except TopicAlreadyExistsError:
            pass  # another service was faster
        except InvalidReplicationFactorError as error:
            raise Permanent(
                f"topic {topic.name}", f"the cluster cannot hold {copies} copies", "lower bus.replication_factor"
            ) from error


def connection(settings: BusSettings) -> dict[str, Any]:
    """What every client of the cluster is made with.

    Raises
    ------
    Permanent
        The file with the password cannot be read.
    """
    result: dict[str, Any] = {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "client_id": "lucidray",
        "security_protocol": settings.security_protocol,
        "bootstrap_timeout_ms": settings.connect_timeout_ms,
    }
    if settings.encrypts and settings.ssl_cafile:
        result["ssl_cafile"] = str(settings.ssl_cafile)
    if settings.logs_in:
        result["sasl_mechanism"] = settings.sasl_mechanism
        result["sasl_plain_username"] = settings.sasl_username
        result["sasl_plain_password"] = _password(settings.sasl_password_file)
    return result


def _password(file: Path | None) -> str:
    try:
        return file.read_text().strip() if file else ""
    except OSError as error:
        raise Permanent(
            f"password file {file}", f"it cannot be read ({error.strerror})", "correct bus.sasl_password_file"
        ) from error
