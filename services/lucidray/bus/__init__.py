"""The bus: topics of records between processes; SQLite on one machine, Kafka in a hospital."""

from lucidray.bus.base import Bus, Consumer, NotOwner, Producer, Record, TopicPartition, TopicSpec
from lucidray.bus.open import open_bus
from lucidray.bus.settings import BusSettings

__all__ = [
    "Bus",
    "BusSettings",
    "Consumer",
    "NotOwner",
    "Producer",
    "Record",
    "TopicPartition",
    "TopicSpec",
    "open_bus",
]
