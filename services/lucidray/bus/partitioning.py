"""Which partition a record goes to: the same on every bus, in every process, for ever."""

import random
from collections.abc import Mapping
from itertools import count
from threading import Lock

from lucidray.core.errors import Permanent

# Kafka's brokers refuse more than 1 MiB with overhead by default; a case is at most 64 KiB.
MAX_RECORD_BYTES = 1_000_000

_MASK = 0xFFFFFFFF
_MULTIPLIER = 0x5BD1E995
_SEED = 0x9747B28C


def murmur2(data: bytes) -> int:
    """MurmurHash2 (32 bits, A. Appleby) with the seed that Kafka's clients use for keys."""
    state = _SEED ^ len(data)
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> 24) * _MULTIPLIER & _MASK
        state = (state * _MULTIPLIER & _MASK) ^ word
    if whole < len(data):
        state = (state ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    state = (state ^ state >> 13) * _MULTIPLIER & _MASK
    return state ^ state >> 15


class Partitioner:
    """Chooses partitions for one producer: by key, else in turn. Safe for use by several threads."""

    def __init__(self) -> None:
        self._turns: dict[str, count[int]] = {}
        self._lock = Lock()

    def choose(self, topic: str, partitions: int, key: bytes | None, partition: int | None) -> int:
        """Partition of a record in a topic that has `partitions` of them.

        Raises
        ------
        Permanent
            The caller named a partition that the topic does not have.
        """
        if partition is not None:
            if not 0 <= partition < partitions:
                raise Permanent(
                    f"partition {partition} of topic {topic}",
                    f"the topic has {partitions}, counted from 0",
                    "send to one of them",
                )
            return partition
        if key is not None:
            return (murmur2(key) & 0x7FFFFFFF) % partitions
        with self._lock:
            # From anywhere, so that many short-lived producers do not all begin with partition 0.
            turn = self._turns.setdefault(topic, count(random.randrange(partitions)))  # noqa: S311
            return next(turn) % partitions


def check_size(topic: str, key: bytes | None, value: bytes, headers: Mapping[str, bytes]) -> None:
    """Refuse a record that another bus could not carry.

    Raises
    ------
    Permanent
        Key, value and headers together exceed `MAX_RECORD_BYTES`.
    """
    size = len(key or b"") + len(value) + sum(len(name) + len(item) for name, item in headers.items())
    if size > MAX_RECORD_BYTES:
        raise Permanent(
            f"record for topic {topic}",
            f"it has {size} bytes, at most {MAX_RECORD_BYTES} are allowed",
            "put large content into the store and send a reference",
        )
