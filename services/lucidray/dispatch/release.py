"""A person lets a study be looked at again: of each of its objects the newest content counts from then on."""

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from lucidray.core.errors import LucidrayError, Permanent
from lucidray.dispatch import tables
from lucidray.dispatch.closing import say_study
from lucidray.v1.events_pb2 import CaseCommand, CaseState


def release(connection: Connection, command: CaseCommand, now: datetime) -> None:
    """Open the study again that is held or unmatched; the ledger says who wanted it, and what was put aside.

    Raises
    ------
    Permanent
        There is no such study.
    """
    study = tables.study.c
    prefix = command.case_id.removeprefix("s").split("-")[0]
    where = (study.study_key.startswith(prefix, autoescape=True), study.open.is_(False))
    study_key = connection.scalar(select(study.study_key).where(*where))
    if study_key is None:
        raise Permanent(f"study {command.case_id}", "it is not held", "see `lucidray case list`")
    taken = take_newest(connection, study_key)
    # A new version, because the workflows may have changed though the study did not.
    connection.execute(
        update(tables.study)
        .where(study.study_key == study_key)
        .values(open=True, content="", revision=study.revision + 1)
    )
    put_aside = f"; the newest content counts (objects: {taken}), the older stays stored" if taken else ""
    said = LucidrayError("study", f"released by {command.actor}{put_aside}", "nothing to do: it is looked at again")
    say_study(connection, study_key, CaseState.CASE_STATE_COLLECTING, now, said)


def take_newest(connection: Connection, study_key: str) -> int:
    """Let only the newest content of each object of a study count; number of objects that had several."""
    instance, other = tables.instance, tables.instance.alias()
    newest = (
        select(func.max(other.c.number))
        .where(other.c.study_key == study_key, other.c.instance_key == instance.c.instance_key)
        .scalar_subquery()
    )
    of_study = instance.c.study_key == study_key
    connection.execute(update(instance).where(of_study, instance.c.number < newest).values(replaced=True))
    settled = connection.execute(
        update(instance).where(of_study, instance.c.conflicting, ~instance.c.replaced).values(conflicting=False)
    )
    return settled.rowcount
