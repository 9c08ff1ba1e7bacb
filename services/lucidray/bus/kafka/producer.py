"""A producer on Kafka: idempotent, acknowledged by all in-sync replicas."""

from collections.abc import Mapping
from typing import Any

from kafka import KafkaProducer as Client
from kafka.errors import KafkaTimeoutError

from lucidray.bus.base import Producer
from lucidray.bus.failures import Failures
from lucidray.bus.kafka.failures import explain, failures
from lucidray.bus.partitioning import Partitioner, check_size
from lucidray.bus.settings import BusSettings

UNKNOWN_TOPIC_MS = 10_000


class KafkaProducer(Producer):
    """Records of one partition stay in order and are stored once, also when a broker restarts."""

    def __init__(self, settings: BusSettings, connection: Mapping[str, Any]) -> None:
        self._settings = settings
        self._partitioner = Partitioner()
        self._failures = Failures()
        self._client = Client(
            **connection,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,  # single events must not wait for company; under load batches form by themselves
            delivery_timeout_ms=settings.delivery_timeout_ms,
            request_timeout_ms=min(30_000, settings.delivery_timeout_ms // 2),
            max_block_ms=UNKNOWN_TOPIC_MS,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )

    def send(
        self,
        topic: str,
        value: bytes,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> None:
        headers = headers or {}
        check_size(topic, key, value, headers)
        with failures(self._settings, f"topic {topic}"):
            partitions = len(self._client.partitions_for(topic))
            number = self._partitioner.choose(topic, partitions, key, partition)
            self._failures.begin()
            future = self._client.send(topic, value, key, list(headers.items()), number)
        future.add_errback(self._failed, topic)

    def flush(self) -> None:
        with failures(self._settings, "flush"):
            # Undelivered records fail by themselves after the delivery time-out; this only bounds a fault of ours.
            self._client.flush(2 * self._settings.delivery_timeout_ms / 1000)
        error = self._failures.take()
        if error is not None:
            raise error

    def close(self) -> None:
        try:
            self.flush()
        finally:
            with failures(self._settings, "close"):
                self._client.close(timeout=5)

    def _failed(self, topic: str, error: Exception) -> None:
        cause = error if isinstance(error, Exception) else KafkaTimeoutError()
        self._failures.record(explain(self._settings, f"topic {topic}", cause))
