"""Telling the ledger what was refused."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from lucidray.core.identity import SiteKey
from lucidray.gateway.command import StoreRequest
from lucidray.gateway.index import Pending
from lucidray.gateway.inspection import NotAccepted
from lucidray.v1.events_pb2 import CaseState, LedgerEvent


@dataclass(frozen=True)
class Peer:
    """Who sends."""

    ae_title: str
    address: str


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


def refusal_event(key: SiteKey, peer: Peer, request: StoreRequest, refused: NotAccepted, at: datetime) -> LedgerEvent:
    """The ledger's line about an object that was not accepted.

    The same object from the same sender always has the same id, so that a sender that tries again
    and again fills one line.
    """
    named = request.sop_instance_uid.decode("ascii", "backslashreplace")
    event = LedgerEvent(
        event_id=uuid.uuid4().hex,
        case_id="r" + key.opaque("refused", peer.ae_title, named)[:24],
        state=CaseState.CASE_STATE_REFUSED,
        step="gateway",
        thing=f"object {key.instance(named)[:12]} from {peer.ae_title} ({peer.address})",
        cause=refused.cause,
        remedy=refused.remedy,
        summary={"status": f"0x{refused.status:04X}"},
    )
    event.at.FromDatetime(at)
    return event
