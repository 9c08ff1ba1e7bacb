"""The opt-out register: which patients do not want which workflow, or any. By opaque keys; nobody is named in it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.engine import Connection

from lucidray.core.errors import Refused
from lucidray.deidentify.vault import Vault
from lucidray.deidentify.vaulttables import OPT_OUTS

EVERY_WORKFLOW = "*"


@dataclass(frozen=True)
class OptOut:
    """One entry."""

    patient_key: str
    workflow: str
    since: datetime


class Register:
    """The register in a vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def opt_out(self, patient_key: str, workflow: str = EVERY_WORKFLOW) -> bool:
        """Enter a patient; False if they were in already."""
        with self._vault.begin() as connection:
            known = connection.execute(select(OPT_OUTS).where(_entry(patient_key, workflow))).first()
            if not known:
                values = {"patient_key": patient_key, "workflow": workflow, "since": self._vault.now()}
                connection.execute(OPT_OUTS.insert().values(**values))
            self._vault.log.add(connection, "opt-out", patient_key, workflow)
        return known is None

    def opt_in(self, patient_key: str, workflow: str = EVERY_WORKFLOW) -> bool:
        """Take an entry back; False if there was none."""
        with self._vault.begin() as connection:
            done = connection.execute(OPT_OUTS.delete().where(_entry(patient_key, workflow)))
            self._vault.log.add(connection, "opt-in", patient_key, workflow)
        return bool(done.rowcount)

    def entries(self) -> list[OptOut]:
        """All, oldest first."""
        with self._vault.begin() as connection:
            rows = connection.execute(select(OPT_OUTS).order_by(OPT_OUTS.c.since)).all()
            self._vault.log.add(connection, "list", "opt-outs", f"{len(rows)} entries")
        return [OptOut(row.patient_key, row.workflow, row.since) for row in rows]


def check_consent(vault: Vault, patient_keys: Collection[str], workflow: str, case_id: str) -> None:
    """Let a case go on, or not; either is recorded.

    Parameters
    ----------
    patient_keys
        All keys under which the patient may have been entered: with and without an issuer.

    Raises
    ------
    Refused
        The patient opted out of the workflow, or of all.
    Transient
        The register cannot be asked.
    """
    with vault.begin() as connection:
        out = _opted_out(connection, patient_keys, workflow)
        if out:
            vault.log.add(connection, "refuse", case_id, "opted out")
        else:
            vault.log.add(connection, "pass", case_id, "not opted out")
    if out:
        raise Refused(
            f"case {case_id}",
            f"its patient opted out of {'every workflow' if out == EVERY_WORKFLOW else f'workflow {out!r}'}",
            "nothing to do; `lucidray consent opt-in` if the patient has changed their mind",
        )


def _opted_out(connection: Connection, patient_keys: Collection[str], workflow: str) -> str:
    matching = or_(OPT_OUTS.c.workflow == workflow, OPT_OUTS.c.workflow == EVERY_WORKFLOW)
    wanted = select(OPT_OUTS.c.workflow).where(OPT_OUTS.c.patient_key.in_(patient_keys), matching)
    return connection.scalar(wanted.order_by(OPT_OUTS.c.workflow)) or ""


def _entry(patient_key: str, workflow: str) -> ColumnElement[bool]:
    return and_(OPT_OUTS.c.patient_key == patient_key, OPT_OUTS.c.workflow == workflow)
