"""Telling the ledger what was refused: a line a sender, reason and day, not one an object."""

import re
import threading
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime

from lucidray.core.identity import SiteKey
from lucidray.gateway.command import StoreRequest
from lucidray.gateway.index import Pending
from lucidray.gateway.inspection import NotAccepted
from lucidray.v1.events_pb2 import CaseState, LedgerEvent

# What is kept in memory is bounded, whatever a sender does.
MOST_COUNTED = 10_000  # objects of a line
MOST_LINES = 100


@dataclass(frozen=True)
class Peer:
    """Who sends."""

    ae_title: str
    address: str


@dataclass
class _Line:
    """The objects of a sender that were refused for one reason on one day."""

    peer: Peer
    case_id: str = field(default_factory=lambda: "r" + uuid.uuid4().hex[:24])  # the count begins anew with the process
    objects: set[str] = field(default_factory=set)
    told: int = 0  # how many of them the ledger knows of
    last: LedgerEvent = field(default_factory=LedgerEvent)

    def event(self) -> LedgerEvent:
        """What the ledger is told now."""
        count, self.told = len(self.objects), len(self.objects)
        event = LedgerEvent()
        event.CopyFrom(self.last)
        event.event_id = uuid.uuid4().hex
        if count > 1:
            more = " or more" if count == MOST_COUNTED else ""
            event.thing = f"{count}{more} objects from {self.peer.ae_title} ({self.peer.address}), last {event.thing}"
        else:
            event.thing += f" from {self.peer.ae_title} ({self.peer.address})"
        event.summary["objects"] = str(count)
        return event


@dataclass(frozen=True)
class Refusal:
    """An object that was refused: its key, the line that it is on, and what the ledger is told of it now."""

    instance_key: str
    case_id: str
    events: list[LedgerEvent]


class Refusals:
    """Counts what one gateway refuses. Safe for use by several threads.

    The ledger is told of the first object, the second, the fourth and so on, and of the whole number when an
    association ends: few lines however many objects a sender sends, and however often it tries again.
    """

    def __init__(self, key: SiteKey) -> None:
        self._key = key
        self._lines: dict[tuple[Peer, str, date], _Line] = {}
        self._lock = threading.Lock()

    def add(self, peer: Peer, request: StoreRequest, refused: NotAccepted, at: datetime) -> Refusal:
        """An object was not accepted."""
        instance_key = self._key.instance(request.sop_instance_uid.decode("ascii", "backslashreplace"))
        reason = re.sub(r"\d+", "#", refused.cause)  # how many bytes are missing makes no other reason
        with self._lock:
            line = self._lines.setdefault((peer, reason, at.date()), _Line(peer))
            if len(self._lines) > MOST_LINES:
                del self._lines[next(iter(self._lines))]  # the oldest: its next object begins another line
            before = len(line.objects)
            if before < MOST_COUNTED:
                line.objects.add(instance_key)
            line.last = LedgerEvent(
                case_id=line.case_id,
                state=CaseState.CASE_STATE_REFUSED,
                step="gateway",
                thing=f"object {instance_key[:12]}",
                cause=refused.cause,
                remedy=refused.remedy,
                summary={"status": f"0x{refused.status:04X}"},
            )
            line.last.at.FromDatetime(at)
            count = len(line.objects)
            power_of_two = not count & (count - 1)
            return Refusal(instance_key, line.case_id, [line.event()] if count > before and power_of_two else [])

    def untold(self, peer: Peer) -> list[LedgerEvent]:
        """What the ledger does not know yet of a sender, whose association has ended."""
        with self._lock:
            return [
                line.event() for line in self._lines.values() if line.peer == peer and line.told < len(line.objects)
            ]


def lost_event(row: Pending) -> LedgerEvent:
    """The ledger's line about an object that was acknowledged and is gone from the spool."""
    event = LedgerEvent(
        event_id=uuid.uuid4().hex,
        case_id="r" + row.instance_key[:24],
        study_key=row.study_key,
        state=CaseState.CASE_STATE_REFUSED,
        step="gateway",
        thing=f"object {row.instance_key[:12]}",
        cause="it was acknowledged, and its file is gone from the spool before it reached the clinical store",
        remedy="send its study again, and look who else writes to the folder of gateway.spool",
    )
    event.at.GetCurrentTime()
    return event
