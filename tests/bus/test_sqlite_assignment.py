"""Who should own which partition."""

from hypothesis import given
from hypothesis import strategies as st

from lucidray.bus.sqlite.assignment import assign

TOPICS = {"a": [1, 2, 3, 4], "b": [5], "c": [6, 7, 8]}
subscriptions = st.dictionaries(
    st.sampled_from(["m1", "m2", "m3", "m4", "m5"]), st.frozensets(st.sampled_from(["a", "b", "c"])), min_size=1
)
# Also owners that have left, and owners of what they do not read any more.
held = st.dictionaries(st.integers(1, 8), st.sampled_from(["m1", "m2", "m3", "gone"]))


def owners(target: dict[str, set[int]]) -> dict[int, str]:
    return {partition: member for member, mine in target.items() for partition in mine}


@given(subscriptions, held)
def test_every_partition_that_is_read_has_one_owner_that_reads_it(
    readers: dict[str, frozenset[str]], before: dict[int, str]
) -> None:
    target = assign(TOPICS, readers, before)
    read = frozenset().union(*readers.values())
    assert sorted(p for mine in target.values() for p in mine) == sorted(p for t in read for p in TOPICS[t])
    for member, mine in target.items():
        assert mine <= {partition for topic in readers[member] for partition in TOPICS[topic]}


@given(subscriptions, held)
def test_shares_of_a_topic_differ_by_one_at_most(readers: dict[str, frozenset[str]], before: dict[int, str]) -> None:
    target = assign(TOPICS, readers, before)
    for topic, partitions in TOPICS.items():
        shares = [len(target[member] & set(partitions)) for member in readers if topic in readers[member]]
        assert not shares or max(shares) - min(shares) <= 1


@given(subscriptions, held)
def test_its_own_result_is_left_alone(readers: dict[str, frozenset[str]], before: dict[int, str]) -> None:
    target = assign(TOPICS, readers, before)
    assert assign(TOPICS, readers, owners(target)) == target


def test_a_member_that_joins_takes_only_its_share() -> None:
    alone = assign({"a": [1, 2, 3, 4]}, {"m1": {"a"}}, {})
    both = assign({"a": [1, 2, 3, 4]}, {"m1": {"a"}, "m2": {"a"}}, owners(alone))
    assert both == {"m1": {1, 2}, "m2": {3, 4}}


def test_topics_of_one_partition_are_spread() -> None:
    topics = {name: [number] for number, name in enumerate("abcd")}
    target = assign(topics, {"m1": frozenset(topics), "m2": frozenset(topics)}, {})
    assert {len(mine) for mine in target.values()} == {2}
