"""Workflows: which studies are wanted, which of their series, and the steps to take."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import cel
import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from lucidray.contracts.catalogue import STEPS
from lucidray.contracts.parameters import PARAMETERS
from lucidray.core.canonical import canonical_json, digest_json
from lucidray.core.errors import Permanent
from lucidray.core.plain_yaml import parse_yaml
from lucidray.dispatch.slip import DEIDENTIFY, check_order


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _compiled(expression: str) -> str:
    try:
        cel.compile(expression)
    except Exception as error:
        raise ValueError(f"it is not valid CEL: {error}") from None
    return expression


class InputRule(_Model):
    """Which series is an input."""

    select: str = Field(description="CEL over `series` and `study`; true for the series that is meant")
    prefer: list[str] = Field(
        default_factory=list, description="CEL expressions that decide, in order, when several series match"
    )
    cardinality: Literal["one", "optional"] = "one"

    @field_validator("select")
    @classmethod
    def _select(cls, value: str) -> str:
        return _compiled(value)

    @field_validator("prefer")
    @classmethod
    def _prefer(cls, value: list[str]) -> list[str]:
        return [_compiled(each) for each in value]


class StepRule(_Model):
    """One step of the slip."""

    step: str
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    on_failure: Literal["park", "skip"] = "park"
    bundles: list[str] = Field(default_factory=list, description="Bundles that the step uses, pinned by digest")

    @field_validator("step")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in STEPS:
            raise ValueError(f"unknown step; choose one of {', '.join(STEPS)}")
        return value

    @model_validator(mode="after")
    def _allowed(self) -> Self:
        """The step would refuse what it does not know, one case after the other: it is said when the file is read."""
        try:
            PARAMETERS[self.step].model_validate_json(canonical_json(self.parameters))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            known = ", ".join(PARAMETERS[self.step].model_fields) or "none"
            raise ValueError(f"parameter '{name}' of step '{self.step}': {first['msg']} (it takes: {known})") from None
        if self.step == DEIDENTIFY and self.on_failure == "skip":
            raise ValueError(f"step '{DEIDENTIFY}' cannot be skipped: nothing could follow it")
        return self


class Workflow(_Model):
    """One way through the house."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    description: str = ""
    when: str = Field(description="CEL over `study`; true for studies that this workflow wants")
    urgent: str = Field("false", description="CEL over `study`; true for studies that go first")
    inputs: dict[str, InputRule]
    slip: list[StepRule] = Field(min_length=1)

    @field_validator("when", "urgent")
    @classmethod
    def _expressions(cls, value: str) -> str:
        return _compiled(value)

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [rule.step for rule in self.slip]
        if len(set(names)) != len(names):
            raise ValueError("a step may stand on the slip once")
        check_order(names)
        return self

    @property
    def bundles(self) -> list[str]:
        """Names of all bundles."""
        return sorted({name for rule in self.slip for name in rule.bundles})

    def digest(self, bundle_digests: Mapping[str, str]) -> str:
        """Identity of the workflow: its definition, the bundles and the algorithm versions of its steps."""
        return digest_json(
            {
                "definition": self.model_dump(exclude={"description"}),
                "bundles": dict(bundle_digests),
                "versions": {rule.step: STEPS[rule.step].algorithm_version for rule in self.slip},
            }
        )


def evaluate(expression: str, **variables: Any) -> bool:
    """Evaluate a CEL expression to a truth value.

    Raises
    ------
    Permanent
        It fails, or gives something else.
    """
    try:
        result = cel.evaluate(expression, variables)
    except Exception as error:
        raise Permanent(
            f"workflow expression '{expression}'",
            f"it fails on this study ({type(error).__name__})",
            "correct it: every attribute is text, a number or a list; see docs/guides/workflows.md",
        ) from None
    if not isinstance(result, bool):
        raise Permanent(f"workflow expression '{expression}'", "it does not give true or false", "compare its value")
    return result


def load_workflows(folders: list[Path]) -> list[Workflow]:
    """All workflow definitions of some folders, by name.

    Raises
    ------
    Permanent
        A folder is not there, or a definition does not read or could not work; names file and field.
    """
    workflows: dict[str, Workflow] = {}
    for path in sorted(path for folder in folders for path in _files(folder)):
        try:
            workflow = Workflow.model_validate(parse_yaml(path.read_text("utf-8")))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            thing = f"workflow file {path}" + (f", '{field}'" if field else "")
            cause = first["msg"].removeprefix("Value error, ")
            raise Permanent(thing, cause, "correct the definition; see docs/guides/workflows.md") from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise Permanent(
                f"workflow file {path}", f"it does not read ({type(error).__name__})", "correct the YAML"
            ) from None
        if workflow.name in workflows:
            raise Permanent(f"workflow '{workflow.name}'", "it is defined twice", "rename one of them")
        workflows[workflow.name] = workflow
    if not workflows:
        raise Permanent("workflows", "there is no definition", "put one into a folder of dispatch.workflows")
    return list(workflows.values())


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise Permanent(f"workflow folder {folder}", "there is none", "make it, or correct dispatch.workflows")
    return [path for path in folder.iterdir() if path.suffix in (".yaml", ".yml")]
