"""What can be asked of the projection."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, and_, exists, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from lucidray.console.tables import case, revision
from lucidray.console.view import CaseView, State
from lucidray.core.errors import Permanent

_PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,100}")

# A study that is still held beside a case of the same version had another problem at the same
# closing; one that was only waiting or unwanted has become that case.
_BECAME_A_CASE = (State.COLLECTING.value, State.UNMATCHED.value, State.UNSPECIFIED.value)


class Unknown(Permanent):
    """What was asked for does not exist."""


@dataclass(frozen=True)
class Query:
    """Which cases."""

    states: Collection[State] = ()  # empty: all
    prefix: str = ""  # of the case id or the study key
    patient_key: str = ""
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True)
class Page:
    """Some of the cases that a query matches, those that changed last first."""

    cases: list[CaseView]
    total: int


class Worklist:
    """Reads the projection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, query: Query) -> Page:
        """The cases that match."""
        if query.prefix and not _PREFIX.fullmatch(query.prefix):
            return Page([], 0)
        where = and_(_shown(), *_conditions(query))
        order = (case.c.updated_at.desc(), case.c.case_id)
        with self._engine.begin() as connection:
            total = connection.scalar(select(func.count()).select_from(case).where(where))
            rows = connection.scalars(
                select(case.c.view).where(where).order_by(*order).limit(query.limit).offset(query.offset)
            ).all()
        return Page([CaseView.model_validate_json(row) for row in rows], int(total or 0))

    def counts(self) -> dict[State, int]:
        """Number of cases in each state."""
        with self._engine.begin() as connection:
            rows = connection.execute(select(case.c.state, func.count()).where(_shown()).group_by(case.c.state)).all()
        return {State(state): int(count) for state, count in rows}

    def case(self, case_id: str) -> CaseView:
        """One case.

        Raises
        ------
        Unknown
            There is none.
        """
        with self._engine.begin() as connection:
            view = connection.scalar(select(case.c.view).where(case.c.case_id == case_id))
        if view is None:
            raise Unknown("case", "the ledger has no case of this id", "look for it in the worklist")
        return CaseView.model_validate_json(view)

    def versions(self, study_key: str) -> list[CaseView]:
        """All cases of a study, the newest version first."""
        with self._engine.begin() as connection:
            rows = connection.scalars(
                select(case.c.view)
                .where(case.c.study_key == study_key, case.c.kind == "case")
                .order_by(case.c.study_version.desc(), case.c.case_id)
            ).all()
        return [CaseView.model_validate_json(row) for row in rows]

    def revision(self) -> int:
        """Grows with every change."""
        with self._engine.begin() as connection:
            return int(connection.scalar(select(revision.c.number)) or 0)

    def changed(self, since: int) -> tuple[int, list[CaseView]]:
        """Cases that changed after revision `since`, and the revision now."""
        with self._engine.begin() as connection:
            now = int(connection.scalar(select(revision.c.number)) or 0)
            rows = connection.scalars(
                select(case.c.view).where(case.c.revision > since).order_by(case.c.revision, case.c.case_id)
            ).all()
        return now, [CaseView.model_validate_json(row) for row in rows]


def _conditions(query: Query) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.states:
        conditions.append(case.c.state.in_([state.value for state in query.states]))
    if query.prefix:
        either = [column.startswith(query.prefix, autoescape=True) for column in (case.c.case_id, case.c.study_key)]
        conditions.append(or_(*either))
    if query.patient_key:
        conditions.append(case.c.patient_key == query.patient_key)
    return conditions


def _shown() -> ColumnElement[bool]:
    """A study's own row is shown until there is a case, or a later verdict, in its place."""
    other = case.alias("other")
    same = other.c.study_key == case.c.study_key
    newer = other.c.study_version > case.c.study_version
    took_over = and_(other.c.kind == "case", other.c.study_version == case.c.study_version)
    replaced = exists().where(same, or_(newer, and_(took_over, case.c.state.in_(_BECAME_A_CASE))))
    return or_(case.c.kind != "study", ~replaced)
