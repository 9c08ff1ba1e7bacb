"""What a feature or a filter is, in a formula and a plain sentence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from textwrap import fill
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from lucidray.core.errors import Permanent
from lucidray.quantify.filters import FilterSpec
from lucidray.quantify.hybrid.fusion import Fusion
from lucidray.quantify.ibsi import definitions

# Sections of descriptions.yaml that are not measured but say what is measured in, and the models of their parameters.
_MODELS: Mapping[str, Any] = {"filters": FilterSpec, "fusions": Fusion}
_UNITS = {
    "none": "none",
    "length": "mm",
    "area": "mm²",
    "volume": "mm³",
    "per_length": "1/mm",
    "intensity": "that of the image",
    "intensity_squared": "that of the image, squared",
    "intensity_volume": "that of the image times mm³",
}
_WIDTH = 100  # characters of a line


@dataclass(frozen=True)
class Description:
    """One entry. `code` is the IBSI identifier, empty where there is none; `unit` in words."""

    name: str
    family: str
    code: str
    unit: str
    formula: str
    meaning: str
    symbols: str
    parameters: Mapping[str, str]  # of a filter: name and what it is

    def text(self) -> str:
        """For a terminal."""
        code = f" (IBSI {self.code})" if self.code else ""
        parts = [self.meaning, self.formula, f"where {self.symbols}", f"unit: {self.unit}" if self.unit else ""]
        parts += [f"{name}: {what}".removesuffix(": ") for name, what in self.parameters.items()]
        body = (fill(part, _WIDTH, initial_indent="  ", subsequent_indent="    ") for part in parts if part)
        return "\n".join([f"{self.family} {self.name}{code}", *body])


class _Text(BaseModel):
    formula: str
    meaning: str


class _Section(BaseModel):
    symbols: str
    features: dict[str, _Text]


@cache
def descriptions() -> Mapping[str, Description]:
    """All, by abbreviation of a feature of the manual, or family and name."""
    return {**dict(_measured()), **dict(_configured())}


def describe(what: str) -> list[Description]:
    """The entries of that code, name, abbreviation or kind, or of a column of a table.

    Raises
    ------
    Permanent
        There is none; names the nearest ones.
    """
    wanted = what.strip().lower()
    ends = (wanted, wanted.rpartition("_")[2])  # a column ends in its code
    found = [
        each
        for key, each in descriptions().items()
        if wanted in (key, each.name, f"{each.family} {each.name}") or (each.code and each.code.lower() in ends)
    ]
    if not found:
        names = {each.name for each in descriptions().values()}
        near = ", ".join(get_close_matches(wanted, names, n=3)) or "none is near"
        raise Permanent(f"feature '{what}'", "it is not known", f"give a name ({near}), an IBSI code or a column")
    return found


def _measured() -> Iterator[tuple[str, Description]]:
    """Features: those of the manual by abbreviation, others by family and name."""
    manual = definitions()
    for family, section in _sections().items():
        if family in _MODELS:
            continue
        for key, text in section.features.items():
            known = manual.get(key)
            name, code, unit = (known.name, known.code, _UNITS[known.quantity]) if known else (key, "", "none")
            entry = Description(name, family, code, unit, text.formula, text.meaning, section.symbols, {})
            yield key if known else f"{family} {key}", entry


def _configured() -> Iterator[tuple[str, Description]]:
    """Filters and fusions, with the parameters that a preset may give them."""
    for family, union in _MODELS.items():
        section = _sections()[family]
        for model in get_args(get_args(union)[0]):
            fields = dict(model.model_fields)
            kind = get_args(fields.pop("kind").annotation)[0]
            text = section.features[kind]
            code = (model.__doc__ or "").partition("IBSI code ")[2][:4]
            parameters = {name: field.description or "" for name, field in fields.items()}
            entry = Description(kind, family, code, "", text.formula, text.meaning, section.symbols, parameters)
            yield f"{family} {kind}", entry


@cache
def _sections() -> Mapping[str, _Section]:
    content = yaml.safe_load(resources.files(__package__).joinpath("descriptions.yaml").read_text("utf-8"))
    return {family: _Section.model_validate(section) for family, section in content.items()}
