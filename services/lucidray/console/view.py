"""What the console knows of a case."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lucidray.v1.events_pb2 import CaseState

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Kind = Literal["case", "study", "refused"]
StepState = Literal["pending", "running", "retrying", "done", "skipped", "failed"]


class State(StrEnum):
    """State of a case, as the ledger names it."""

    UNSPECIFIED = "unspecified"
    COLLECTING = "collecting"
    RUNNING = "running"
    RETRYING = "retrying"
    PARKED = "parked"
    HELD = "held"
    UNMATCHED = "unmatched"
    REFUSED = "refused"
    QUARANTINED = "quarantined"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @classmethod
    def of(cls, state: int) -> "State":
        """The state of a message; one that a later release invented is `UNSPECIFIED`."""
        if state not in CaseState.values():
            return cls.UNSPECIFIED
        return cls(CaseState.Name(CaseState.ValueType(state)).removeprefix("CASE_STATE_").lower())


# A person has to act. A retry comes by itself.
ATTENTION = (State.PARKED, State.HELD, State.REFUSED, State.QUARANTINED)
ACTIVE = (State.COLLECTING, State.RUNNING, State.RETRYING)
ENDED = (State.COMPLETED, State.CANCELLED, State.SUPERSEDED)


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class StepView(_Model):
    """One step of the slip."""

    step: str
    state: StepState = "pending"
    seconds: float = Field(0.0, description="Compute, s")
    finished_at: datetime | None = None
    zone: Literal["", "clinical", "analysis"] = Field("", description="Where its outputs lie")
    step_key: str = Field("", description="Key of the manifest that the step committed")
    algorithm_version: str = ""
    bundles: dict[str, str] = Field(default_factory=dict, description="Model bundles by name: digest")
    summary: dict[str, str] = Field(default_factory=dict)


class FlagView(_Model):
    """A quality flag."""

    step: str
    code: str
    message: str
    warning: bool


class CaseView(_Model):
    """A case, or a study or object that did not become one."""

    case_id: str
    kind: Kind
    study_key: str = ""
    study_version: int = 0
    patient_key: str = Field("", description="Keyed hash of PatientID and issuer")
    workflow: str = ""
    priority: Literal["routine", "urgent"] = "routine"
    state: State = State.UNSPECIFIED
    step: str = Field("", description="Who spoke last: a step, 'gateway' or 'dispatch'")
    next_step: str = ""
    thing: str = ""
    cause: str = ""
    remedy: str = ""
    generation: int = 0
    opened_at: datetime = EPOCH
    updated_at: datetime = EPOCH
    steps: list[StepView] = Field(default_factory=list)
    quality: list[FlagView] = Field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Compute of all finished steps, s."""
        return sum(step.seconds for step in self.steps)

    @property
    def done(self) -> list[StepView]:
        """Steps that committed a manifest, in order."""
        return [step for step in self.steps if step.state == "done"]
