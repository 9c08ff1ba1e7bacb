"""Rotating the vault key: every row key is sealed again by the first key of the file; no body is touched."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, func, select
from sqlalchemy.engine import Connection

from lucidray.core.errors import Permanent
from lucidray.deidentify.seal import Sealed, VaultKeys
from lucidray.deidentify.vault import RowKey, Vault, bound_to_patient
from lucidray.deidentify.vaulttables import PATIENTS, RECORDS

BATCH = 200  # rows a transaction: writers wait for no more than that


@dataclass
class Rotated:
    """What became of the rows."""

    key_id: str  # under which they are now
    rows: int = 0  # re-wrapped
    damaged: int = 0  # left as they were, for they do not open

    @property
    def old_keys_may_go(self) -> bool:
        """Whether no row needs a former key."""
        return not self.damaged


@dataclass(frozen=True)
class _Kind:
    table: Table
    name: str  # of the column that names a row
    bound: Callable[[Row[Any]], bytes]


_KINDS = (
    _Kind(RECORDS, "case_id", lambda row: RowKey(row.case_id, row.study_key, row.patient_key).bound()),
    _Kind(PATIENTS, "patient_key", lambda row: bound_to_patient(row.patient_key)),
)


def waiting(vault: Vault, keys: VaultKeys) -> int:
    """Number of rows that are still under a former key."""
    with vault.begin() as connection:
        counts = [connection.scalar(select(func.count()).where(kind.table.c.key_id != keys.current)) for kind in _KINDS]
    return sum(count or 0 for count in counts)


def rotate(vault: Vault, keys: VaultKeys, progress: Callable[[int], None] = lambda rows: None) -> Rotated:
    """Seal every row key by the current vault key. May run beside the services, be interrupted and run again.

    Parameters
    ----------
    progress
        Told how many rows a batch had.
    """
    result = Rotated(keys.current)
    for kind in _KINDS:
        for rows in _batches(vault, kind, keys.current):
            with vault.begin() as connection:
                for row in rows:
                    _rewrap(connection, kind, row, keys, result)
            progress(len(rows))
    with vault.begin() as connection:
        vault.log.add(connection, "rotate", keys.current, f"{result.rows} rows, {result.damaged} damaged")
    return result


def _batches(vault: Vault, kind: _Kind, current: str) -> Iterator[list[Row[Any]]]:
    last, name = "", kind.table.c[kind.name]
    while True:
        with vault.begin() as connection:
            wanted = select(kind.table).where(kind.table.c.key_id != current, name > last).order_by(name).limit(BATCH)
            rows = list(connection.execute(wanted).all())
        if not rows:
            return
        last = rows[-1]._mapping[kind.name]
        yield rows


def _rewrap(connection: Connection, kind: _Kind, row: Row[Any], keys: VaultKeys, result: Rotated) -> None:
    try:
        sealed = keys.rewrap(Sealed(row.key_id, row.row_key, row.body), kind.bound(row))
    except Permanent:
        result.damaged += 1
        return
    same: ColumnElement[bool] = and_(  # a service may have written the row anew meanwhile: then it is current already
        kind.table.c[kind.name] == row._mapping[kind.name], kind.table.c.row_key == row.row_key
    )
    done = connection.execute(kind.table.update().where(same).values(key_id=sealed.key_id, row_key=sealed.row_key))
    result.rows += done.rowcount
