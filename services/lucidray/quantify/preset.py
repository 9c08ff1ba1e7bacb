"""Feature presets: which features are measured in which image, and after which image processing.

A preset is a YAML file; its digest is part of every result that was measured with it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from lucidray.core.canonical import digest_json
from lucidray.core.errors import Permanent
from lucidray.core.plain_yaml import parse_yaml
from lucidray.quantify.hybrid.spec import Hybrid
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Model
from lucidray.quantify.settings import QuantifySettings

_NAME = r"^[a-z0-9][a-z0-9-]*$"
PRESETS = Path(__file__).parent / "presets"


class DeepFeatures(Model):
    """What a preset says of a network that embeds regions."""

    bundle: str = Field(description="Its name; a workflow lists it under `bundles` of the step that quantifies")
    layers: list[str] = Field(default_factory=list, description="Only these; empty: all that the bundle exposes")


class Preset(Model):
    """What is measured."""

    name: str = Field(pattern=_NAME)
    title: str
    measurements: list[Measurement] = Field(min_length=1)
    hybrids: list[Hybrid] = Field(default_factory=list, description="Pairs of the images measured above, together")
    deep: list[DeepFeatures] = Field(default_factory=list, description="Networks that embed the region")

    @model_validator(mode="after")
    def _once(self) -> Self:
        pairs = Counter((each.role, family) for each in self.measurements for family in each.families)
        twice = [f"{family} in {role}" for (role, family), count in pairs.items() if count > 1]
        if twice:
            raise ValueError(f"measured twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        known = {each.role for each in self.measurements}
        unknown = {role for each in self.hybrids for role in each.roles} - known
        if unknown:
            raise ValueError(f"hybrids name images without a measurement, which says their unit: {sorted(unknown)}")
        pairs = [each.role for each in self.hybrids]
        if len(set(pairs)) < len(pairs):
            raise ValueError("a pair of images is named twice")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of what is measured: every default filled in, without name and title, however it was written.

        What asks for nothing (null, false, an empty list) does not count. So a release that adds a field whose default
        is one of these leaves the digests as they are, and one that changes a default changes them.
        """
        measurements = [each.meaning for each in self.measurements]
        hybrids = [each.meaning for each in self.hybrids]
        deep = [each.model_dump(mode="json") for each in self.deep]
        return digest_json(_asked({"measurements": measurements, "hybrids": hybrids, "deep": deep}))


def _asked(value: Any) -> Any:
    """Without the fields that ask for nothing; 0 asks for something."""
    if isinstance(value, dict):
        nothing = {name for name, each in value.items() if each is None or each is False or each == []}
        return {name: _asked(each) for name, each in value.items() if name not in nothing}
    return [_asked(each) for each in value] if isinstance(value, list) else value


def find_preset(name: str) -> Preset:
    """A preset by its name, this site's before those that come with Lucidray, or in a YAML file; as `load_preset`."""
    if name.endswith((".yaml", ".yml")):
        return read_preset(Path(name))
    return load_preset(name, QuantifySettings.load().preset_folders)


def load_preset(name: str, folders: Sequence[Path] = ()) -> Preset:
    """The preset of that name.

    Raises
    ------
    Permanent
        There is none, or the file does not fit the schema; names the first field.
    """
    thing = f"feature preset '{name}'"
    if not re.fullmatch(_NAME, name):
        cause = "a name has small letters, digits and hyphens"
        raise Permanent(thing, cause, "give the preset's name, or the path of its file with .yaml")
    places = [*folders, PRESETS]
    for folder in places:
        path = folder / f"{name}.yaml"
        if path.is_file():
            return read_preset(path)
    known = ", ".join(sorted(path.stem for folder in places for path in folder.glob("*.yaml")))
    raise Permanent(thing, f"there is none of that name (there are: {known})", "name one of these")


def read_preset(path: Path) -> Preset:
    """The preset in a file; as `load_preset`."""
    thing = f"feature preset '{path.stem}'"
    try:
        preset = Preset.model_validate(parse_yaml(path.read_text("utf-8")))
    except FileNotFoundError:
        raise Permanent(thing, "there is no such file", "correct the path") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Permanent(thing, f"cannot be read ({type(error).__name__})", "correct the file") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        cause = (f"field '{field}': " if field else "") + first["msg"].removeprefix("Value error, ")
        raise Permanent(thing, cause, "correct the file; `lucidray presets check` names every fault") from None
    if preset.name != path.stem:
        raise Permanent(thing, f"it calls itself '{preset.name}'", "give file and preset the same name")
    return preset
