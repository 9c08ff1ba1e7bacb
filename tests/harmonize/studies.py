"""Studies as the artifacts that harmonize and segment read."""

import io
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom import Dataset

from lucidray.contracts.catalogue import SERIES, VOLUME
from lucidray.contracts.images import Volume
from lucidray.contracts.parameters import HarmonizeParameters
from lucidray.harmonize.settings import HarmonizeSettings
from lucidray.harmonize.step import Harmonize
from lucidray.phantom import PhantomStudy
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs, StepResult

CASE = CaseFacts("c0123", "s", 1, "p", "w")
ROLES = {"CT": "CT", "PET": "PT", "RTSTRUCT": "RTSTRUCT"}
Series = Artifact[list[bytes]]


def part10(dataset: Dataset) -> bytes:
    """A DICOM file in memory."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def series(role: str, datasets: Sequence[Dataset]) -> Series:
    """One SERIES artifact."""
    return Artifact(SERIES, [part10(one) for one in datasets], role)


def series_of(study: PhantomStudy, *roles: str) -> list[Series]:
    """SERIES artifacts of a phantom study; all roles by default."""
    return [series(role, study.of(ROLES[role])) for role in roles or ROLES]


def harmonized(artifacts: Sequence[Series], parameters: HarmonizeParameters | None = None) -> StepResult:
    """What the step makes of them."""
    step = Harmonize(HarmonizeSettings())
    return step.run(CASE, GivenInputs(artifacts), parameters or HarmonizeParameters())


def volumes(result: StepResult) -> dict[str, Volume]:
    """VOLUME artifacts by role."""
    return {one.role: one.value for one in result.artifacts if one.contract is VOLUME}


def real_patient(patient: str, modality: str) -> Path:
    """Folder of a patient of the soft-tissue-sarcoma cohort; skips the test where it is absent."""
    data = Path(os.environ.get("LUCIDRAY_DATA", "../shared/data")) / "sts_cohort"
    folder = data / "dicom" / patient / modality
    if not folder.is_dir():
        pytest.skip("needs the soft-tissue-sarcoma cohort: set LUCIDRAY_DATA")
    return folder


def real_series(role: str, folder: Path) -> Series:
    """SERIES artifact of every file in a folder."""
    return Artifact(SERIES, [file.read_bytes() for file in sorted(folder.glob("*.dcm"))], role)
