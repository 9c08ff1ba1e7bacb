"""Erasing a patient: what leads back to them and everything that was computed about them, with a receipt.

Nothing in a receipt names the patient: it holds opaque keys and numbers.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.engine import Connection

from lucidray.deidentify.vault import Vault
from lucidray.deidentify.vaulttables import ERASURES, PATIENTS, RECORDS
from lucidray.store.cases import CaseStore

MARKER = "cancelled"  # workers look for it before they compute and before they hand on


class Receipt(BaseModel):
    """What was erased, when and by whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    receipt_id: str
    at: datetime
    actor: str
    patient_key: str
    cases: list[str]
    studies: list[str]
    erased: dict[str, int]  # place -> rows or objects
    not_reached: list[str] = []  # places that this process cannot reach


class Scope(BaseModel):
    """What the vault knows to be a patient's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cases: list[str]
    studies: list[str]


def scope_of(vault: Vault, patient_key: str) -> Scope:
    """Cases and studies of a patient; those of earlier erasures too, after which a step may still have written."""
    with vault.begin() as connection:
        rows = connection.execute(select(RECORDS).where(RECORDS.c.patient_key == patient_key)).all()
        earlier = [receipt for receipt in _receipts(connection) if receipt.patient_key == patient_key]
        cases = {row.case_id for row in rows}.union(*(receipt.cases for receipt in earlier))
        vault.log.add(connection, "find", patient_key, f"{len(cases)} cases")
    studies = {row.study_key for row in rows}.union(*(receipt.studies for receipt in earlier))
    return Scope(cases=sorted(cases), studies=sorted(studies))


def erase_artifacts(scope: Scope, stores: Mapping[str, CaseStore]) -> dict[str, int]:
    """Delete the objects of cases and studies from every store, and stop what still works on them.

    Parameters
    ----------
    stores
        By name of the place.

    Returns
    -------
    dict
        Number of objects by place.
    """
    erased = {}
    for name, store in stores.items():
        for case_id in scope.cases:
            store.mark(case_id, MARKER, "erased")
        prefixes = [f"{kind}/{case_id}/" for kind in ("cases", "quarantine") for case_id in scope.cases]
        prefixes += [f"intake/{study_key}/" for study_key in scope.studies]
        erased[name] = sum(store.objects.delete_prefix(prefix) for prefix in prefixes) - len(scope.cases)
        for case_id in scope.cases:
            store.mark(case_id, MARKER, "erased")
    return erased


def erase_rows(
    vault: Vault, patient_key: str, scope: Scope, erased: Mapping[str, int], not_reached: Sequence[str] = ()
) -> Receipt:
    """Delete the vault's rows of a patient and keep the receipt, in one transaction and last of all: until then
    an erasure that was interrupted finds everything again. An opt-out stays: the wish outlives the data."""
    with vault.begin() as connection:
        rows = sum(
            connection.execute(table.delete().where(table.c.patient_key == patient_key)).rowcount
            for table in (RECORDS, PATIENTS)
        )
        receipt = Receipt(
            receipt_id=secrets.token_hex(16),
            at=vault.now(),
            actor=vault.actor,
            patient_key=patient_key,
            cases=scope.cases,
            studies=scope.studies,
            erased={"vault": rows, **erased},
            not_reached=list(not_reached),
        )
        values = {"receipt_id": receipt.receipt_id, "at": receipt.at, "receipt": receipt.model_dump_json()}
        connection.execute(ERASURES.insert().values(**values))
        vault.log.add(connection, "erase", patient_key, f"receipt {receipt.receipt_id}")
    return receipt


def receipts(vault: Vault) -> list[Receipt]:
    """All receipts, oldest first."""
    with vault.begin() as connection:
        found = _receipts(connection)
        vault.log.add(connection, "list", "receipts", f"{len(found)} receipts")
    return found


def _receipts(connection: Connection) -> list[Receipt]:
    rows = connection.scalars(select(ERASURES.c.receipt).order_by(ERASURES.c.at)).all()
    return [Receipt.model_validate_json(row) for row in rows]
