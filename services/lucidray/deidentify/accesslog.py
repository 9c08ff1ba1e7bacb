"""Who looked into the vault, when, for what and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.engine import Connection

from lucidray.core.clock import Clock
from lucidray.deidentify.vaulttables import ACCESS

Action = Literal["write", "read", "pin", "rotate", "pass", "refuse", "opt-out", "opt-in", "list", "find", "erase"]


@dataclass(frozen=True)
class Access:
    """One look-up or change."""

    at: datetime
    actor: str
    action: str
    subject: str
    outcome: str


class AccessLog:
    """Adds to the log of one actor: a step, or a person at the command line."""

    def __init__(self, clock: Clock, actor: str) -> None:
        self._clock, self._actor = clock, actor

    def add(self, connection: Connection, action: Action, subject: str, outcome: str) -> None:
        """Record an access, in the transaction of what it is about."""
        connection.execute(
            ACCESS.insert().values(
                at=self._clock.now(), actor=self._actor, action=action, subject=subject, outcome=outcome
            )
        )


def accesses(connection: Connection, subject: str = "", limit: int = 1000) -> Sequence[Access]:
    """The latest accesses, oldest first; of one case, patient key or receipt if it is given."""
    wanted = select(ACCESS).order_by(ACCESS.c.id.desc()).limit(limit)
    if subject:
        wanted = wanted.where(ACCESS.c.subject == subject)
    rows = reversed(connection.execute(wanted).all())
    return [Access(_aware(row.at), row.actor, row.action, row.subject, row.outcome) for row in rows]


def _aware(at: datetime) -> datetime:
    """SQLite forgets the zone; what was written is UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)
