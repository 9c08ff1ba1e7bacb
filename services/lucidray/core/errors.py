"""Failures, in three classes that say whether another try helps.

Every message names the thing, the cause and the remedy. None of the three may carry
protected health information: they are logged, published and shown in the console.
"""


class LucidrayError(Exception):
    """Base of the failures that the platform itself understands."""

    def __init__(self, thing: str, cause: str, remedy: str) -> None:
        super().__init__(thing, cause, remedy)  # all three, so that it survives pickling
        self.thing = thing
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.thing}: {self.cause}; {self.remedy}"


class Transient(LucidrayError):
    """Another try may help (a destination is down): back off and try again, up to a cap."""


class NoCompatibleWorker(Transient):
    """This worker does not carry the algorithm version that the case was pinned to."""


class Permanent(LucidrayError):
    """Another try will not help: the case is parked until a person acts."""


class Refused(LucidrayError):
    """Policy forbids it: the case is quarantined and the refusal is audited."""
