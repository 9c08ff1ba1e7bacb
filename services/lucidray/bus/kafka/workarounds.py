"""Faults of kafka-python 3.0.12 that its public interface gives no way around.

Each function says what goes wrong and is held by a contract test; look here first when the
library is upgraded.
"""

from typing import Any


def finish_join(client: Any) -> None:
    """Let a join that outlived one poll end.

    A poll shorter than a rebalance leaves its join under way for the next poll to pick up,
    which happens only while the client believes that it must join. Where the reason was
    changed metadata, the group's leader forgets the reason half way: nobody picks the join
    up, heartbeats stay off, and the member is silently out of the group for ever.
    """
    coordinator = client._coordinator
    if coordinator.rejoining and not coordinator.need_rejoin():
        coordinator.request_rejoin()


def fenced(client: Any) -> bool:
    """Whether another member has taken this one's name (group.instance.id).

    The heartbeat that hears of it just stops; polls go on as if the partitions were ours.
    """
    coordinator = client._coordinator
    return coordinator.stable() and not coordinator.rejoining and not coordinator._heartbeat_enabled
