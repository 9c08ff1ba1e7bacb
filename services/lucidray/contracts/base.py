"""What a contract is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from lucidray.core.errors import Permanent

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

JSON = "application/json"
DICOM = "application/dicom"
NPY = "application/x-npy"
TAR = "application/x-tar"


@dataclass(frozen=True)
class Part:
    """One blob of an artifact."""

    name: str
    media_type: str
    data: bytes


class Contract(ABC, Generic[T]):
    """A kind of artifact. A case may hold several of a kind, told apart by role (e.g. "CT", "PET")."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<contract {self.name}>"

    @abstractmethod
    def write(self, value: T) -> list[Part]:
        """The blobs of an artifact, the same bytes for the same value."""

    @abstractmethod
    def read(self, parts: Sequence[Part]) -> T:
        """The artifact from its blobs.

        Raises
        ------
        Permanent
            The blobs are not what the contract says.
        """


class Document(Contract[M]):
    """An artifact that is one JSON document with a pydantic schema."""

    def __init__(self, name: str, model: type[M]) -> None:
        super().__init__(name)
        self.model = model

    def write(self, value: M) -> list[Part]:
        return [Part(f"{self.name}.json", JSON, value.model_dump_json().encode())]

    def read(self, parts: Sequence[Part]) -> M:
        if len(parts) != 1:
            raise malformed(self.name, f"it has {len(parts)} parts instead of one JSON document")
        try:
            return self.model.model_validate_json(parts[0].data)
        except ValidationError as error:
            raise malformed(self.name, f"it does not fit its schema: {error.error_count()} errors") from None


def malformed(name: str, cause: str) -> Permanent:
    """The failure of reading an artifact."""
    return Permanent(f"artifact '{name}'", cause, "recompute the step that wrote it: `lucidray case retry --recompute`")


def missing(contract: Contract[Any], role: str) -> Permanent:
    """The failure of needing an artifact that no earlier step wrote."""
    what = f"artifact '{contract.name}'" + (f" of role '{role}'" if role else "")
    return Permanent(
        what, "no earlier step of this case wrote it", "put the step that writes it on the workflow's slip"
    )
