"""The guide to workflows says what the code does."""

import re
from pathlib import Path

import pytest
import yaml

from lucidray.contracts.catalogue import STEPS
from lucidray.dispatch.attributes import SELECTABLE
from lucidray.dispatch.workflow import Workflow
from lucidray.runtime.child import load_step
from lucidray.runtime.service import FACTORIES

GUIDE = (Path(__file__).parents[2] / "docs/guides/workflows.md").read_text()


def test_the_example_is_a_workflow() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)
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
    fields = list(load_step(FACTORIES[step]).parameters.model_fields)
    named = re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", row))
    assert named == fields
