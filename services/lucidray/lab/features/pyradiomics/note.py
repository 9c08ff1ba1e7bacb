"""What an import says of a parameter."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Note:
    """A parameter that is not honoured, or a value that differs although it is."""

    parameter: str
    given: Any
    kind: Literal["not honoured", "differs"]
    text: str

    def __str__(self) -> str:
        given = "" if self.given is None else f" ({self.given})"
        return f"{self.kind}: {self.parameter}{given}: {self.text}"


def refused(parameter: str, given: Any, text: str) -> Note:
    """The note of a parameter that is not honoured."""
    return Note(parameter, given, "not honoured", text)


def differing(parameter: str, given: Any, text: str) -> Note:
    """The note of a parameter that is honoured, with another value all the same."""
    return Note(parameter, given, "differs", text)
