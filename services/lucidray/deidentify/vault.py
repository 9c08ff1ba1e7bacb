"""The vault: what leads from a case's pseudonyms back to its patient, sealed, every look-up audited."""

import base64
import zlib
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, DateTime, Engine, Integer, LargeBinary, MetaData, String, Table, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from lucidray.core import logging
from lucidray.core.canonical import canonical_json
from lucidray.core.clock import Clock
from lucidray.core.errors import Permanent, Refused, Transient
from lucidray.deidentify.seal import Sealed, VaultKeys

log = logging.get(__name__)

FORMAT = 1

METADATA = MetaData()
RECORDS = Table(
    "vault_record",
    METADATA,
    Column("case_id", String(64), primary_key=True),
    Column("study_key", String(64), nullable=False, index=True),
    Column("patient_key", String(64), nullable=False, index=True),
    Column("written_at", DateTime(timezone=True), nullable=False),
    Column("key_id", String(16), nullable=False, index=True),
    Column("row_key", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
ACCESS = Table(
    "vault_access",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("case_id", String(64), nullable=False, index=True),
    Column("action", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
)


class VaultRecord(BaseModel):
    """What the way back needs for one case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uids: dict[str, str]  # pseudonymous -> original
    texts: dict[str, str]  # pseudonyms of patient and sites -> original
    shift_days: int  # by which the dates went back; 0 where they were removed
    modules: str  # patient and study modules, base64 of what modules.extract gives

    @classmethod
    def of(cls, uids: dict[str, str], texts: dict[str, str], shift_days: int, modules: bytes) -> "VaultRecord":
        """A record, from the bytes of its modules."""
        return cls(uids=uids, texts=texts, shift_days=shift_days, modules=base64.b64encode(modules).decode())

    def module_bytes(self) -> bytes:
        """For modules.parse."""
        return base64.b64decode(self.modules)


@dataclass(frozen=True)
class RowKey:
    """Whose row it is. Opaque keys only; all are bound to the row's seal."""

    case_id: str
    study_key: str
    patient_key: str

    def bound(self) -> bytes:
        """The associated data of the seal."""
        return canonical_json(["vault_record", FORMAT, self.case_id, self.study_key, self.patient_key]).encode()


class Vault:
    """The rows of a vault."""

    def __init__(self, engine: Engine, keys: VaultKeys, clock: Clock) -> None:
        self._engine, self._keys, self._clock = engine, keys, clock

    def write(self, row: RowKey, record: VaultRecord) -> None:
        """Keep a record; durable on return. The same record again changes nothing.

        Raises
        ------
        Permanent
            The case has a row that does not open.
        Transient
            The database does not answer.
        """
        content = zlib.compress(canonical_json(record.model_dump()).encode())
        try:
            with self._engine.begin() as connection:
                outcome = self._keep(connection, row, record, content)
                self._audit(connection, row, "write", outcome)
        except SQLAlchemyError as error:
            raise _unavailable(error) from None
        log.info("vault-write", case_id=row.case_id, outcome=outcome)

    def read(self, row: RowKey) -> VaultRecord:
        """The record of a case. The look-up is recorded before the record is given.

        Raises
        ------
        Refused
            There is none.
        Permanent
            The row does not open.
        Transient
            The database does not answer.
        """
        try:
            with self._engine.begin() as connection:
                found = self._look_up(connection, row)
                outcome = "opened" if isinstance(found, VaultRecord) else "failed"
                self._audit(connection, row, "read", outcome)
        except SQLAlchemyError as error:
            raise _unavailable(error) from None
        log.info("vault-read", case_id=row.case_id, outcome=outcome)
        if isinstance(found, VaultRecord):
            return found
        raise found

    def _look_up(self, connection: Connection, row: RowKey) -> VaultRecord | Permanent | Refused:
        """The record, or why there is none: as a value, so that the failed look-up is recorded too."""
        try:
            found = self._find(connection, row)
        except Permanent as error:
            return error
        return found or Refused(f"case {row.case_id}", "the vault holds nothing of it", "run its step deidentify again")

    def _keep(self, connection: Connection, row: RowKey, record: VaultRecord, content: bytes) -> str:
        if self._find(connection, row) == record:
            return "unchanged"
        sealed = self._keys.seal(content, row.bound())
        connection.execute(RECORDS.delete().where(RECORDS.c.case_id == row.case_id))
        connection.execute(
            RECORDS.insert().values(
                case_id=row.case_id,
                study_key=row.study_key,
                patient_key=row.patient_key,
                written_at=self._now(),
                key_id=sealed.key_id,
                row_key=sealed.row_key,
                body=sealed.body,
            )
        )
        return "written"

    def _find(self, connection: Connection, row: RowKey) -> VaultRecord | None:
        found = connection.execute(select(RECORDS).where(RECORDS.c.case_id == row.case_id)).one_or_none()
        if found is None:
            return None
        sealed = Sealed(found.key_id, found.row_key, found.body)
        return VaultRecord.model_validate_json(zlib.decompress(self._keys.open(sealed, row.bound())))

    def _audit(self, connection: Connection, row: RowKey, action: str, outcome: str) -> None:
        connection.execute(ACCESS.insert().values(at=self._now(), case_id=row.case_id, action=action, outcome=outcome))

    def _now(self) -> datetime:
        return self._clock.now()


def _unavailable(error: SQLAlchemyError) -> Transient:
    return Transient("vault", f"its database does not answer ({type(error).__name__})", "see that it runs")
