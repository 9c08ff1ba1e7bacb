"""What a step is: values in, values out.

A service's `step.py` defines one subclass of `Step` and a function ``build() -> Step`` that
reads the service's own settings. Everything else (topics, store, commit, retries) is the worker's.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from lucidray.contracts.base import Contract, missing
from lucidray.contracts.catalogue import StepSpec
from lucidray.contracts.parameters import Parameters
from lucidray.v1.case_pb2 import QualityFlag

T = TypeVar("T")
P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True)
class CaseFacts:
    """What a step may know of its case. No PHI."""

    case_id: str
    study_key: str
    study_version: int
    patient_key: str
    workflow: str
    generation: int = 0
    bundles: Mapping[str, str] = field(default_factory=dict)  # pinned for this step: name -> digest
    quality: Sequence[QualityFlag] = ()  # raised by earlier steps
    versions: Mapping[str, str] = field(default_factory=dict)  # algorithm versions of earlier steps


class Inputs(Protocol):
    """The artifacts of earlier steps, read when asked for."""

    def read(self, contract: Contract[T], role: str = "") -> T:
        """One artifact.

        Raises
        ------
        Permanent
            There is none; names the step that writes it.
        """
        ...

    def find(self, contract: Contract[T], role: str = "") -> T | None:
        """One artifact, or None."""
        ...

    def roles(self, contract: Contract[Any]) -> list[str]:
        """Roles in which there is such an artifact, sorted."""
        ...


@dataclass(frozen=True)
class Artifact(Generic[T]):
    """One output."""

    contract: Contract[T]
    value: T
    role: str = ""


@dataclass(frozen=True)
class StepResult:
    """What a step gives back."""

    artifacts: Sequence[Artifact[Any]]
    quality: Sequence[QualityFlag] = ()
    summary: Mapping[str, str] = field(default_factory=dict)  # a few values for the console; no PHI


class Step(ABC, Generic[P]):
    """A step. Raises Transient, Permanent or Refused, each naming thing, cause and remedy."""

    spec: ClassVar[StepSpec]
    parameters: type[P]  # set as a class attribute

    @abstractmethod
    def run(self, case: CaseFacts, inputs: Inputs, parameters: P) -> StepResult:
        """Compute the outputs. Must be a function of its arguments, but for what `encode` and
        `deliver` are for."""

    def pinned(self, parameters: P) -> P:
        """The parameters, with the digests of files that they name: where a file differs, so does the work."""
        return parameters


class GivenInputs:
    """Inputs that are already at hand: for tests, and for running steps without a bus."""

    def __init__(self, artifacts: Sequence[Artifact[Any]]) -> None:
        self._values = {(artifact.contract.name, artifact.role): artifact.value for artifact in artifacts}

    def read(self, contract: Contract[T], role: str = "") -> T:
        value = self.find(contract, role)
        if value is None:
            raise missing(contract, role)
        return value

    def find(self, contract: Contract[T], role: str = "") -> T | None:
        return self._values.get((contract.name, role))

    def roles(self, contract: Contract[Any]) -> list[str]:
        return sorted(role for name, role in self._values if name == contract.name)
