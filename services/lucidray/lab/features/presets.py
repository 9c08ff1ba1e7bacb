"""Feature presets at hand: listed, shown, and checked for faults and for what the IBSI manual advises against."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lucidray.core.errors import Permanent
from lucidray.core.plain_yaml import parse_yaml
from lucidray.quantify import preset as quantify_preset
from lucidray.quantify.ibsi import TEXTURE
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.preset import PRESETS, Preset
from lucidray.quantify.settings import QuantifySettings


@dataclass(frozen=True)
class Finding:
    """What is wrong with a preset, or against the manual's advice, and what to do."""

    field: str
    cause: str
    remedy: str
    fault: bool = True  # else advice: the preset works


def find_preset(name: str) -> Preset:
    """A preset by its name, or in a file.

    Raises
    ------
    Permanent
        None is named, there is no such preset, or the file does not fit the schema.
    """
    if not name:
        raise Permanent("feature preset", "none is named", "name one that `lucidray presets list` shows, with -p")
    return quantify_preset.find_preset(name)


def preset_files() -> dict[str, Path]:
    """Every preset at hand, by name: those of this site's folders, and those that come with Lucidray."""
    found: dict[str, Path] = {}
    for folder in [*QuantifySettings.load().preset_folders, PRESETS]:
        for path in sorted(folder.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def check(path: Path) -> list[Finding]:
    """All that is wrong with a preset's file; if nothing is, what the manual advises against."""
    try:
        content = parse_yaml(path.read_text("utf-8"))
        preset = Preset.model_validate(content)
    except FileNotFoundError:
        return [Finding("", "there is no preset of that name, and no such file", "see `lucidray presets list`")]
    except (OSError, UnicodeDecodeError) as error:
        return [Finding("", f"the file does not read ({type(error).__name__})", "correct the path or the file")]
    except yaml.YAMLError as error:
        return [Finding("", f"it does not read as YAML, {_where(error)}", "correct that line")]
    except ValidationError as error:
        return _findings(error)
    if preset.name != path.stem:
        return [Finding("name", f"it is '{preset.name}', the file '{path.stem}'", "give both the same name")]
    return [advice for at, each in enumerate(preset.measurements) for advice in _advice(f"measurements.{at}", each)]


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return type(error).__name__
    return f"line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', '')}"


def _findings(error: ValidationError) -> list[Finding]:
    """One for each field: where a value may be of several kinds, each kind has its complaint."""
    found: dict[str, Finding] = {}
    for each in error.errors():
        new = _finding(each)
        old = found.setdefault(new.field, new)
        if old != new:
            remedy = old.remedy if old.remedy.startswith("did you mean") else new.remedy
            found[new.field] = Finding(new.field, f"{old.cause}; or {new.cause}", remedy)
    return list(found.values())


def _finding(error: ErrorDetails) -> Finding:
    kinds = ("literal[", "list[")  # pydantic's names of the alternatives, no part of the field's place
    field = ".".join(str(part) for part in error["loc"] if not str(part).startswith(kinds))
    if error["type"] == "missing":
        return Finding(field, "it is missing", "add it")
    if error["type"] == "extra_forbidden":
        return Finding(field, "there is no such field", _nearest(error["loc"][-1], _known_fields(), "remove it"))
    if error["type"] == "literal_error":
        expected = error.get("ctx", {}).get("expected", "")
        remedy = _nearest(error["input"], re.findall(r"'([^']*)'", expected), "correct it")
        return Finding(field, f"{error['input']!r} is none of {expected}", remedy)
    given = "" if isinstance(error["input"], dict | list) else f"; it is {error['input']!r}"
    return Finding(field, error["msg"].removeprefix("Value error, ") + given, "correct it")


def _nearest(word: object, words: Iterable[str], otherwise: str) -> str:
    near = get_close_matches(str(word), words, n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def _known_fields() -> set[str]:
    """Names of all fields that a preset may have, at any depth."""
    names: set[str] = set()
    todo: list[Any] = [Preset.model_json_schema()]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            names |= set(part.get("properties", {}))
            todo += part.values()
        elif isinstance(part, list):
            todo += part
    return names


def _advice(field: str, measurement: Measurement) -> Iterator[Finding]:
    """What the IBSI manual (sections 2.4, 2.5, 2.7) advises against."""
    method = measurement.discretisation.method if measurement.discretisation else ""
    if measurement.modality == "MR" and measurement.unit == "1" and method == "fixed_bin_size":
        cause = "intensities are arbitrary, so a bin width means another thing in every scan (manual, section 2.7)"
        yield Finding(f"{field}.discretisation", cause, "use fixed_bin_number", fault=False)
    if measurement.modality in ("CT", "PT") and method == "fixed_bin_number":
        cause = "intensities are calibrated, and a number of bins hides their level (manual, section 2.7)"
        yield Finding(f"{field}.discretisation", cause, "use fixed_bin_size", fault=False)
    if measurement.modality == "CT" and measurement.spacing and not measurement.rounded:
        cause = "HU are whole numbers, those of a resampled image are not (manual, section 2.5)"
        yield Finding(f"{field}.rounded", cause, "set rounded: true", fault=False)
    if _three_dimensional(measurement) and not _isotropic(measurement.spacing):
        cause = "texture in three dimensions needs voxels of equal sides to be comparable (manual, section 2.4)"
        yield Finding(f"{field}.spacing", cause, "set one spacing for all axes, or aggregation 2D or 2.5D", fault=False)


def _three_dimensional(measurement: Measurement) -> bool:
    return bool(set(measurement.families) & set(TEXTURE)) and any(
        each.startswith("3D") for each in measurement.aggregations
    )


def _isotropic(spacing: Sequence[float | None] | None) -> bool:
    return spacing is not None and len(set(spacing)) == 1 and None not in spacing


def as_yaml(preset: BaseModel) -> str:
    """A preset as a file that gives the same digest."""
    content = preset.model_dump(mode="json", exclude_unset=True)
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    return text
