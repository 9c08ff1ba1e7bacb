"""The vault: what leads from a case's pseudonyms back to its patient, sealed, every look-up audited."""

import base64
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, select, union
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from lucidray.core import logging
from lucidray.core.canonical import canonical_json
from lucidray.core.clock import Clock
from lucidray.core.errors import Permanent, Refused, Transient
from lucidray.deidentify.accesslog import AccessLog
from lucidray.deidentify.seal import Sealed, VaultKeys
from lucidray.deidentify.vaulttables import PATIENTS, RECORDS

log = logging.get(__name__)

FORMAT = 1


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

    def joined_to(self, former: "VaultRecord") -> "VaultRecord":
        """What leads back from either; patient and study are as they were seen last.

        Raises
        ------
        Refused
            The dates went back by another number of days: a date would not say by which.
        """
        if self.shift_days != former.shift_days:
            raise Refused(
                "a study",
                "the vault keeps the way back of an earlier export of it, whose dates were treated differently",
                "export it under the profile and patient as before, or without --vault",
            )
        return self.model_copy(update={"uids": former.uids | self.uids, "texts": former.texts | self.texts})


@dataclass(frozen=True)
class RowKey:
    """Whose row it is. Opaque keys only; all are bound to the row's seal."""

    case_id: str
    study_key: str
    patient_key: str

    def bound(self) -> bytes:
        """The associated data of the seal."""
        return canonical_json(["vault_record", FORMAT, self.case_id, self.study_key, self.patient_key]).encode()


def unavailable(error: SQLAlchemyError) -> Transient:
    """The failure of a vault whose database fails; the driver's text may quote rows, and stays here."""
    return Transient(
        "vault", f"its database does not answer ({type(error).__name__})", "see that it runs; the case is tried again"
    )


def bound_to_patient(patient_key: str) -> bytes:
    """The associated data of the seal of a patient's row."""
    return canonical_json(["vault_patient", FORMAT, patient_key]).encode()


class Vault:
    """The rows of a vault.

    Parameters
    ----------
    engine
        Of the vault's own database.
    keys
        Gives the keys in force, anew for every row: a rotated key needs no restart.
    clock
        For the times in the rows.
    actor
        Who looks: recorded with every access.
    """

    def __init__(self, engine: Engine, keys: Callable[[], VaultKeys], clock: Clock, actor: str) -> None:
        self._engine, self._keys, self._clock = engine, keys, clock
        self.actor, self.log = actor, AccessLog(clock, actor)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction.

        Raises
        ------
        Transient
            The database does not answer.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise unavailable(error) from None

    def check_keys(self) -> None:
        """Look whether the keys of all rows are at hand.

        Raises
        ------
        Permanent
            One is not.
        Transient
            The database does not answer.
        """
        with self.begin() as connection:
            used = connection.scalars(union(select(RECORDS.c.key_id), select(PATIENTS.c.key_id))).all()
        keys = self._keys()
        for key_id in used:
            keys.require(key_id)

    def write(self, row: RowKey, record: VaultRecord, *, join: bool = False) -> None:
        """Keep a record; durable on return. The same record again changes nothing.

        Parameters
        ----------
        join
            To what the case has already, instead of putting it in its place.

        Raises
        ------
        Refused
            The record cannot be joined to that of the case.
        Permanent
            The case has a row that does not open.
        Transient
            The database does not answer.
        """
        failure = None
        with self.begin() as connection:
            try:
                outcome = self._keep(connection, row, record, join)
            except (Permanent, Refused) as error:
                outcome, failure = "failed", error
            self.log.add(connection, "write", row.case_id, outcome)
        log.info("vault-write", case_id=row.case_id, outcome=outcome)
        if failure:
            raise failure

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
        with self.begin() as connection:
            found = self._look_up(connection, row)
            outcome = "opened" if isinstance(found, VaultRecord) else "failed"
            self.log.add(connection, "read", row.case_id, outcome)
        log.info("vault-read", case_id=row.case_id, outcome=outcome)
        if isinstance(found, VaultRecord):
            return found
        raise found

    def pin(self, patient_key: str, newest: int) -> int:
        """Version of the pseudonym key of a patient: the `newest` when the patient was first seen, and that for good.

        Raises
        ------
        Permanent
            The patient's row does not open, or is missing while there are cases of theirs.
        Transient
            The database does not answer, or another replica has just met the patient.
        """
        version: int | Permanent = newest
        with self.begin() as connection:
            try:
                version = self._pinned(connection, patient_key, newest)
                outcome = f"version {version}"
            except Permanent as error:
                version, outcome = error, "failed"
            self.log.add(connection, "pin", patient_key, outcome)
        if isinstance(version, Permanent):
            raise version
        return version

    def _pinned(self, connection: Connection, patient_key: str, newest: int) -> int:
        bound = bound_to_patient(patient_key)
        found = connection.execute(select(PATIENTS).where(PATIENTS.c.patient_key == patient_key)).one_or_none()
        if found is not None:
            return int(self._keys().open(Sealed(found.key_id, found.row_key, found.body), bound))
        if connection.execute(select(RECORDS.c.case_id).where(RECORDS.c.patient_key == patient_key).limit(1)).first():
            raise Permanent(
                "vault row",
                "a patient's is missing, though there are cases of theirs: new pseudonyms would not fit the former",
                "restore the vault from its backup, then retry the case; after an erasure, erase once more",
            )
        sealed = self._keys().seal(str(newest).encode(), bound)
        connection.execute(PATIENTS.insert().values(patient_key=patient_key, written_at=self.now(), **asdict(sealed)))
        return newest

    def _look_up(self, connection: Connection, row: RowKey) -> VaultRecord | Permanent | Refused:
        """The record, or why there is none: as a value, so that the failed look-up is recorded too."""
        try:
            found = self._find(connection, row)
        except Permanent as error:
            return error
        return found or Refused(f"case {row.case_id}", "the vault holds nothing of it", "run its step deidentify again")

    def _keep(self, connection: Connection, row: RowKey, record: VaultRecord, join: bool) -> str:
        former = self._find(connection, row)
        if former and join:
            record = record.joined_to(former)
        if former == record:
            return "unchanged"
        sealed = self._keys().seal(zlib.compress(canonical_json(record.model_dump()).encode()), row.bound())
        connection.execute(RECORDS.delete().where(RECORDS.c.case_id == row.case_id))
        connection.execute(RECORDS.insert().values(**asdict(row), written_at=self.now(), **asdict(sealed)))
        return "written"

    def _find(self, connection: Connection, row: RowKey) -> VaultRecord | None:
        found = connection.execute(select(RECORDS).where(RECORDS.c.case_id == row.case_id)).one_or_none()
        if found is None:
            return None
        sealed = Sealed(found.key_id, found.row_key, found.body)
        return VaultRecord.model_validate_json(zlib.decompress(self._keys().open(sealed, row.bound())))

    def now(self) -> datetime:
        """The time, for a row."""
        return self._clock.now()
