"""From the first byte of an object to the answer to its sender."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from lucidray.core import logging, metrics
from lucidray.core.clock import Clock
from lucidray.core.faults import commit_point
from lucidray.core.identity import SiteKey
from lucidray.core.topics import LEDGER
from lucidray.gateway.command import Status, StoreRequest
from lucidray.gateway.groupcommit import GroupCommit
from lucidray.gateway.index import Arrival, InstanceIndex
from lucidray.gateway.inspection import Identity, NotAccepted, check_request, inspect
from lucidray.gateway.part10 import file_head
from lucidray.gateway.refusals import Peer, Refusals
from lucidray.gateway.settings import Limits
from lucidray.gateway.spool import Incoming, Spool
from lucidray.v1.events_pb2 import LedgerEvent

log = logging.get(__name__)


@dataclass(frozen=True)
class Reply:
    """What the sender is told."""

    status: int
    comment: str = ""


@dataclass(frozen=True)
class Context:
    """An accepted presentation context."""

    abstract_syntax: str
    transfer_syntax: str


class Intake:
    """Takes objects: whole, durable and indexed before Success.

    Parameters
    ----------
    spool, index
        Where objects and their rows go.
    key
        Of the site, for the opaque identifiers.
    accepted
        Called after rows were written: the relay has work.
    """

    def __init__(
        self,
        spool: Spool,
        index: InstanceIndex,
        key: SiteKey,
        limits: Limits,
        clock: Clock,
        accepted: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._index = index
        self._key = key
        self._limits = limits
        self._clock = clock
        self._accepted = accepted
        self._refusals = Refusals(key)
        self._group: GroupCommit[Arrival, bool] = GroupCommit(self._commit)

    def begin(self, peer: Peer, request: StoreRequest, context: Context) -> "Reception":
        """An object is announced."""
        return Reception(self, peer, request, context)

    def open(self, request: StoreRequest, context: Context) -> Incoming:
        """A place for an object.

        Raises
        ------
        NotAccepted
            The announcement is wrong.
        OSError
            There is no space.
        """
        check_request(request, context.abstract_syntax)
        return self._spool.create(file_head(request.sop_class_uid, request.sop_instance_uid, context.transfer_syntax))

    def check_size(self, size: int) -> None:
        """Refuse what is too large."""
        if size > self._limits.object_bytes:
            raise NotAccepted(
                Status.OUT_OF_RESOURCES,
                f"the object is larger than {self._limits.object_bytes} bytes",
                "raise gateway.limits.object_bytes if such objects are wanted",
            )

    def inspect(self, incoming: Incoming, request: StoreRequest, context: Context) -> Identity:
        """What the data set says of itself; NotAccepted if it is not whole or another one."""
        with incoming.data_set() as data:
            return inspect(data, context.transfer_syntax, request, self._limits.inflated_bytes)

    def keep(self, incoming: Incoming, identity: Identity) -> bool:
        """Make an object durable; False if the same bytes were acknowledged before.

        Raises
        ------
        OSError, SQLAlchemyError
            Nothing is kept.
        """
        incoming.seal()
        arrival = Arrival(
            instance_key=self._key.instance(identity.sop_instance_uid),
            byte_digest=incoming.byte_digest,
            study_key=self._key.study(identity.study_instance_uid),
            series_key=self._key.series(identity.series_instance_uid),
            size=incoming.size,
            spool_name=incoming.name,
        )
        return self._group.submit(arrival)

    def _commit(self, arrivals: Sequence[Arrival]) -> list[bool]:
        self._spool.sync()
        commit_point("gateway.received")
        new = self._index.accept(arrivals, self._spool.holds)
        commit_point("gateway.indexed")
        self._accepted()
        return new

    def drop(self, incoming: Incoming) -> None:
        """Leave nothing of an object that could not be kept, unless its row is there in spite of that."""
        try:
            if incoming.name in self._index.spooled():
                return  # the connection broke after the commit: it will be published
        except SQLAlchemyError as error:
            log.warning("spool-kept", error=error)  # not known: the next start tells by the rows
            return
        incoming.discard()

    def tell(self, peer: Peer, request: StoreRequest, refused: NotAccepted) -> None:
        """Log and count a refusal, and put what the ledger is to know of it into the outbox."""
        refusal = self._refusals.add(peer, request, refused, self._clock.now())
        log.warning(
            "object-refused",
            case_id=refusal.case_id,
            instance_key=refusal.instance_key,
            peer=peer.ae_title,
            address=peer.address,
            status=f"0x{refused.status:04X}",
            cause=refused.cause,
        )
        self._say(refusal.events)

    def settle(self, peer: Peer) -> None:
        """An association has ended: the ledger learns how many of its objects were refused."""
        self._say(self._refusals.untold(peer))

    def _say(self, events: Sequence[LedgerEvent]) -> None:
        for event in events:
            try:
                self._index.queue(LEDGER, event.case_id, event.SerializeToString())
                self._accepted()
            except SQLAlchemyError as error:
                log.error("refusal-not-told", case_id=event.case_id, error=error)


class Reception:
    """One object on its way in. Used by one thread; ends with `finish` or `abandon`."""

    def __init__(self, intake: Intake, peer: Peer, request: StoreRequest, context: Context) -> None:
        self._intake = intake
        self._peer = peer
        self._request = request
        self._context = context
        self._incoming: Incoming | None = None
        self._refused: NotAccepted | None = None
        try:
            self._incoming = intake.open(request, context)
        except NotAccepted as refused:
            self._refused = refused
        except OSError as error:
            self._refused = _no_space(error)

    def write(self, pieces: Sequence[memoryview]) -> None:
        """The next bytes; of an object that is refused already they are passed over."""
        if self._incoming is None:
            return
        try:
            self._intake.check_size(self._incoming.size + sum(map(len, pieces)))
            self._incoming.write(pieces)
        except NotAccepted as refused:
            self._refuse(refused)
        except OSError as error:
            self._refuse(_no_space(error))

    def finish(self) -> Reply:
        """All bytes are here: keep or refuse the object."""
        began = time.perf_counter()
        new = False
        if self._incoming is not None:
            try:
                identity = self._intake.inspect(self._incoming, self._request, self._context)
                new = self._intake.keep(self._incoming, identity)
            except NotAccepted as refused:
                self._refuse(refused)
            except (OSError, SQLAlchemyError) as error:
                log.error("object-not-kept", error=error)
                self._intake.drop(self._incoming)
                self._incoming = None
                self._refuse(_no_space(error))
        if self._refused is not None:
            metrics.OBJECTS_RECEIVED.labels("refused").inc()
            self._intake.tell(self._peer, self._request, self._refused)
            return Reply(self._refused.status, self._refused.cause)
        assert self._incoming is not None
        metrics.OBJECTS_RECEIVED.labels("stored" if new else "duplicate").inc()
        if new:
            metrics.BYTES_RECEIVED.inc(self._incoming.size)
        else:
            self._incoming.discard()
        metrics.STORE_SECONDS.observe(time.perf_counter() - began)
        return Reply(Status.SUCCESS)

    def abandon(self) -> None:
        """The sender went away before the end."""
        metrics.OBJECTS_RECEIVED.labels("aborted").inc()
        if self._incoming is not None:
            self._incoming.discard()
            self._incoming = None

    def _refuse(self, refused: NotAccepted) -> None:
        self._refused = refused
        if self._incoming is not None:
            self._incoming.discard()
            self._incoming = None


def _no_space(error: Exception) -> NotAccepted:
    return NotAccepted(
        Status.OUT_OF_RESOURCES,
        f"the gateway cannot keep it ({type(error).__name__})",
        "free space on the gateway's disk, then send it again",
    )
