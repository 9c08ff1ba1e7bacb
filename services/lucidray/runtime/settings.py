"""How workers run."""

from typing import ClassVar

from pydantic import Field

from lucidray.core.settings import Section


class WorkerSettings(Section):
    """The workers of steps."""

    section: ClassVar[str] = "worker"

    processes: int = Field(2, ge=1, description="Processes that compute, shared by the steps of this process")
    urgent: bool = Field(True, description="Also serve the urgent topics, in a process of their own")
    step_timeout_seconds: float = Field(3600, gt=0, description="A step that takes longer is killed and parked")
    retry_hours: float = Field(
        24, ge=0, description="How long a step that fails for an outage is tried again before its case is parked"
    )
    grace_seconds: float = Field(20, ge=0, description="On SIGTERM: how long running work may take to end")
    parked_consecutive: int = Field(10, ge=2, description="Stop after so many parked cases in a row")
