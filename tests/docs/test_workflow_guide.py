"""The guide to workflows says what the code does."""

import re
from pathlib import Path

import pytest
import yaml
from pydicom import Dataset

from lucidray.contracts.catalogue import STEPS
from lucidray.contracts.parameters import PARAMETERS
from lucidray.dispatch.attributes import SELECTABLE
from lucidray.dispatch.workflow import Workflow
from lucidray.harmonize.patient import clinical_variables, said_of_patient
from lucidray.predict.clinical import clinical_number
from lucidray.runtime.child import load_step
from lucidray.runtime.service import FACTORIES
from lucidray.serving.manifest import ClinicalInput

GUIDE = (Path(__file__).parents[2] / "docs/guides/workflows.md").read_text()
PATIENT = Dataset()
PATIENT.PatientAge, PATIENT.PatientSex = "063Y", "F"


def test_the_example_is_a_workflow() -> None:
    example, _ = re.findall(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)
    workflow = Workflow.model_validate(yaml.safe_load(example))
    assert {rule.step for rule in workflow.slip} <= set(STEPS)


def test_every_attribute_is_named() -> None:
    assert [name for name in SELECTABLE if f"`{name}`" not in GUIDE] == []


@pytest.mark.parametrize("step", STEPS)
def test_the_parameters_of_every_step_are_named(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lucidray.launcher.supervisor import prepare

    prepare(tmp_path)
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    (row,) = re.findall(rf"^\| {step} \| (.*) \|$", GUIDE, flags=re.MULTILINE)
    allowed = load_step(FACTORIES[step]).parameters
    assert PARAMETERS[step] is allowed  # what dispatch holds workflows to
    fields = list(allowed.model_fields)
    named = re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", row))
    assert named == fields


def test_the_clinical_inputs_are_what_harmonize_writes() -> None:
    _, example = re.findall(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)
    written = clinical_variables({"CT": said_of_patient([PATIENT])}).variables
    wanted = [ClinicalInput.model_validate(each) for each in yaml.safe_load(example)["clinical"]]
    numbers = [clinical_number(each, written) for each in wanted]
    assert [each.value for each in numbers] == [63, 1]
    for variable in written:
        assert re.search(rf"\| {variable.concept.scheme} {variable.concept.value} {variable.concept.meaning}", GUIDE)
