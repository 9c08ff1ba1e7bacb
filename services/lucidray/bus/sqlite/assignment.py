"""Who should own which partition: a pure function that every member computes alike."""

from collections.abc import Mapping, Set
from typing import TypeVar

Partition = TypeVar("Partition", bound=int)


def assign(
    topics: Mapping[str, list[Partition]],
    subscriptions: Mapping[str, Set[str]],
    held: Mapping[Partition, str],
) -> dict[str, set[Partition]]:
    """Share the partitions of each topic evenly among the members that read it.

    A member keeps what it holds as far as its share allows; where shares differ by one, the
    larger goes to members with fewer partitions so far, then to those that hold more already.
    Computed again on its own result it changes nothing.

    Parameters
    ----------
    topics
        Partitions of each topic, in order.
    subscriptions
        Topics that each member reads.
    held
        Present owner of each owned partition.

    Returns
    -------
    dict
        Partitions per member; every partition that somebody reads has exactly one.
    """
    result: dict[str, set[Partition]] = {member: set() for member in subscriptions}
    for topic, partitions in sorted(topics.items()):
        readers = [member for member in sorted(subscriptions) if topic in subscriptions[member]]
        if readers:
            mine = {member: [p for p in partitions if held.get(p) == member] for member in readers}
            readers.sort(key=lambda member: (len(result[member]), -len(mine[member]), member))
            for member, share in _share(partitions, readers, mine).items():
                result[member] |= share
    return result


def _share(
    partitions: list[Partition], readers: list[str], mine: Mapping[str, list[Partition]]
) -> dict[str, set[Partition]]:
    least, extra = divmod(len(partitions), len(readers))
    quota = {member: least + (rank < extra) for rank, member in enumerate(readers)}
    kept = {member: set(mine[member][: quota[member]]) for member in readers}
    taken = set().union(*kept.values())
    free = iter([partition for partition in partitions if partition not in taken])
    for member in readers:
        while len(kept[member]) < quota[member]:
            kept[member].add(next(free))
    return kept
