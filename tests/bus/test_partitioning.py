"""Keys to partitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as murmur2_of_kafka

from lucidray.bus.partitioning import Partitioner, murmur2
from lucidray.core.errors import Permanent


@given(st.binary(max_size=70))
def test_keys_hash_as_in_kafka(key: bytes) -> None:
    assert murmur2(key) == murmur2_of_kafka(key)


def test_turns_are_counted_per_topic() -> None:
    partitioner = Partitioner()
    mixed = [(topic, partitioner.choose(topic, 3, None, None)) for _ in range(6) for topic in ("a", "b")]
    for topic in ("a", "b"):
        turns = [partition for name, partition in mixed if name == topic]
        assert all((after - before) % 3 == 1 for before, after in zip(turns, turns[1:], strict=False))


def test_a_named_partition_wins_over_the_key() -> None:
    assert {Partitioner().choose("a", 4, key, 3) for key in (b"a", b"b", None)} == {3}


@pytest.mark.parametrize("partition", [-1, 4])
def test_a_partition_outside_the_topic_is_refused(partition: int) -> None:
    with pytest.raises(Permanent, match="the topic has 4, counted from 0"):
        Partitioner().choose("a", 4, b"key", partition)
