"""What a worker decides, without doing it: pure, so that every branch is tested in microseconds."""

from dataclasses import dataclass, replace
from enum import Enum, auto

from lucidray.core.errors import LucidrayError, Permanent, Refused, Transient
from lucidray.v1.case_pb2 import OnFailure, SlipEntry

MAX_DEATHS = 3
BACKOFF_FIRST_SECONDS = 2.0
BACKOFF_CAP_SECONDS = 300.0
SKIP_AFTER_SECONDS = 60.0  # a step that may be left out must not withhold the other results for long


class Action(Enum):
    """What becomes of a case after a step failed."""

    RETRY = auto()  # back to dispatch, which sends it again later
    SKIP = auto()  # the slip says that it may go on without this step
    PARK = auto()  # a person has to act
    QUARANTINE = auto()  # policy forbids it


def after_failure(error: LucidrayError, entry: SlipEntry, failing_seconds: float, retry_seconds: float) -> Action:
    """What to do when the step of `entry` raised `error`.

    Parameters
    ----------
    failing_seconds
        Since its first transient failure.
    retry_seconds
        How long it is tried again: a limit in time, because an outage lasts as long as it lasts.
    """
    may_skip = entry.on_failure == OnFailure.ON_FAILURE_SKIP
    limit = min(retry_seconds, SKIP_AFTER_SECONDS) if may_skip else retry_seconds
    if isinstance(error, Refused):
        return Action.QUARANTINE
    if isinstance(error, Transient) and failing_seconds < limit:
        return Action.RETRY
    return Action.SKIP if may_skip else Action.PARK


def backoff_seconds(attempt: int) -> float:
    """Delay before attempt number `attempt` + 1; doubles, up to a cap."""
    delay = BACKOFF_FIRST_SECONDS
    for _ in range(attempt - 1):
        if delay >= BACKOFF_CAP_SECONDS:  # a power of the attempts of some days would not fit a float
            break
        delay *= 2
    return min(BACKOFF_CAP_SECONDS, delay)


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
