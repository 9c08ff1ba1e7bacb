"""What was tried and what arrived: the step's own table.

A row is committed before an object is sent and again after the destination accepted it. A crash
between the two sends the object once more, which a destination takes as the same object: a result's
UID stands for one string of bytes.
"""

from sqlalchemy import Column, ColumnElement, DateTime, Engine, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from lucidray.contracts.results import Receipt
from lucidray.core.clock import Clock

metadata = MetaData()
delivery = Table(
    "delivery",
    metadata,
    Column("destination", String, primary_key=True),
    Column("object_digest", String(64), primary_key=True),
    Column("case_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("dicom_status", String(4), nullable=False, default=""),  # empty until it was accepted
    Column("accepted_at", DateTime(timezone=True)),
)


class Attempts:
    """The table of deliveries, unique by destination and object digest."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def accepted(self, destination: str, object_digest: str) -> Receipt | None:
        """The receipt of an object that the destination has accepted before; None if it has not."""
        query = select(delivery).where(*_key(destination, object_digest), delivery.c.dicom_status != "")
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        return Receipt(
            destination=destination,
            object_digest=object_digest,
            kind=row["kind"],
            status="already there",
            dicom_status=row["dicom_status"],
            attempts=row["attempts"],
        )

    def begin(self, destination: str, object_digest: str, kind: str, case_id: str) -> int:
        """Note that the object is about to be sent; returns how many times it has been, with this one."""
        more = update(delivery).where(*_key(destination, object_digest)).values(attempts=delivery.c.attempts + 1)
        first = insert(delivery).values(
            destination=destination, object_digest=object_digest, kind=kind, case_id=case_id, attempts=1
        )
        with self._engine.begin() as connection:
            if not connection.execute(more).rowcount:
                try:
                    with connection.begin_nested():
                        connection.execute(first)
                except IntegrityError:  # another worker with the same case was faster
                    connection.execute(more)
            query = select(delivery.c.attempts).where(*_key(destination, object_digest))
            return int(connection.execute(query).scalar_one())

    def accept(self, destination: str, object_digest: str, dicom_status: str) -> None:
        """Note that the destination has accepted the object."""
        done = update(delivery).where(*_key(destination, object_digest))
        with self._engine.begin() as connection:
            connection.execute(done.values(dicom_status=dicom_status, accepted_at=self._clock.now()))


def _key(destination: str, object_digest: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return delivery.c.destination == destination, delivery.c.object_digest == object_digest
