"""What a worker decides, without doing it: pure, so that every branch is tested in microseconds."""

from dataclasses import dataclass, replace
from enum import Enum, auto

from lucidray.core.errors import LucidrayError, Permanent, Refused, Transient
from lucidray.v1.case_pb2 import OnFailure, SlipEntry

MAX_ATTEMPTS = 5
MAX_DEATHS = 3
BACKOFF_FIRST_SECONDS = 2.0
BACKOFF_CAP_SECONDS = 300.0


class Action(Enum):
    """What becomes of a case after a step failed."""

    RETRY = auto()  # back to dispatch, which sends it again later
    SKIP = auto()  # the slip says that it may go on without this step
    PARK = auto()  # a person has to act
    QUARANTINE = auto()  # policy forbids it


def after_failure(error: LucidrayError, entry: SlipEntry, attempt: int) -> Action:
    """What to do when the step of `entry` raised `error` after `attempt` earlier transient failures."""
    if isinstance(error, Refused):
        return Action.QUARANTINE
    if isinstance(error, Transient) and attempt + 1 < MAX_ATTEMPTS:
        return Action.RETRY
    if entry.on_failure == OnFailure.ON_FAILURE_SKIP:
        return Action.SKIP
    return Action.PARK


def backoff_seconds(attempt: int) -> float:
    """Delay before attempt number `attempt` + 1; doubles, up to a cap."""
    return float(min(BACKOFF_CAP_SECONDS, BACKOFF_FIRST_SECONDS * 2 ** max(0, attempt - 1)))


def died(step: str, deaths: int) -> LucidrayError:
    """The failure of a step whose process was killed: again if that may have been chance."""
    if deaths < MAX_DEATHS:
        return Transient(f"step '{step}'", "its process died while it worked", "it is tried again")
    return Permanent(
        f"step '{step}'",
        f"its process died {deaths} times on this case (most likely out of memory)",
        "give the worker more memory, then `lucidray case retry`",
    )


@dataclass(frozen=True)
class ParkedLimit:
    """Stops a consumer when case after case is parked: after a bad deploy a topic must not drain into the
    parked cases. Counts consecutive cases and the share among the last `window`."""

    consecutive: int = 10
    ratio: float = 0.5
    window: int = 50
    recent: tuple[bool, ...] = ()

    def after(self, *, parked: bool) -> "ParkedLimit":
        """The limit after one more case."""
        return replace(self, recent=(*self.recent, parked)[-self.window :])

    @property
    def exceeded(self) -> bool:
        """Whether to stop."""
        tail = self.recent[-self.consecutive :]
        if len(tail) == self.consecutive and all(tail):
            return True
        return len(self.recent) == self.window and sum(self.recent) / self.window > self.ratio
