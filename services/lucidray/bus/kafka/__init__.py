"""The bus of a cluster: Apache Kafka through kafka-python."""

from lucidray.bus.kafka.bus import KafkaBus

__all__ = ["KafkaBus"]
