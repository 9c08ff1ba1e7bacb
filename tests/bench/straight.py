"""The peer of `bench-case`: the same step functions, called one after the other in one process."""

import io
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydicom import Dataset

from lucidray.contracts.catalogue import STEPS, STUDY
from lucidray.runtime.child import load_step
from lucidray.runtime.service import FACTORIES
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs, Step


def part10(dataset: Dataset) -> bytes:
    """A dataset as the bytes of a file."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def study_artifacts(datasets: Sequence[Dataset]) -> list[Artifact[Any]]:
    """A PET/CT study as dispatch would select it."""
    roles = {"CT": "CT", "PT": "PET", "RTSTRUCT": "RTSTRUCT"}
    return [
        Artifact(STUDY, [part10(each) for each in datasets if each.Modality == modality], role)
        for modality, role in roles.items()
    ]


class StraightLine:
    """All steps, built once."""

    def __init__(self, names: Sequence[str] = tuple(STEPS)) -> None:
        self.steps: dict[str, Step[Any]] = {name: load_step(FACTORIES[name]) for name in names}
        self.seconds: dict[str, float] = {}

    def run(
        self,
        artifacts: list[Artifact[Any]],
        case_id: str,
        parameters: Mapping[str, Any] | None = None,
        bundles: Mapping[str, Mapping[str, str]] | None = None,
    ) -> list[Artifact[Any]]:
        """Run every step on what the earlier ones wrote; all artifacts."""
        quality: list[Any] = []
        for name, step in self.steps.items():
            facts = CaseFacts(
                case_id, case_id, 1, "patient", "straight", bundles=(bundles or {}).get(name, {}), quality=quality
            )
            started = time.perf_counter()
            given = step.parameters.model_validate_json(json.dumps((parameters or {}).get(name, {})))
            result = step.run(facts, GivenInputs(artifacts), given)
            self.seconds[name] = time.perf_counter() - started
            artifacts = [*artifacts, *result.artifacts]
            quality.extend(result.quality)
        return artifacts
