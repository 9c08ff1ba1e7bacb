"""A whole parameter file."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from lucidray.core.errors import Permanent
from lucidray.core.plain_yaml import parse_yaml
from lucidray.lab.features.pyradiomics.form import Form
from lucidray.lab.features.pyradiomics.image_types import filters_of
from lucidray.lab.features.pyradiomics.note import Note, differing, refused
from lucidray.lab.features.pyradiomics.settings import measurement_of
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.preset import Preset

Modality = Literal["CT", "PT", "MR", "OT"]
Content = Mapping[str, Any]

_SECTIONS = ("setting", "imageType", "featureClass", "voxelSetting")
_IMAGES: Mapping[Modality, tuple[str, str]] = {  # role and unit
    "CT": ("CT", "[hnsf'U]"),
    "PT": ("PET", "{SUVbw}g/ml"),
    "MR": ("MR", "1"),
    "OT": ("image", "1"),
}
# Families of the manual that hold the features of a class.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "firstorder": ("intensity_statistics", "intensity_histogram"),
    "shape": ("morphology",),
    "glcm": ("glcm",),
    "glrlm": ("glrlm",),
    "glszm": ("glszm",),
    "gldm": ("ngldm",),
    "ngtdm": ("ngtdm",),
}


@dataclass(frozen=True)
class Equivalent:
    """A feature of pyradiomics: its abbreviation in the manual's tables, empty if it has none; how it differs."""

    abbreviation: str
    difference: str


@cache
def equivalents() -> Mapping[str, Mapping[str, Equivalent]]:
    """By class and name."""
    text = resources.files(__package__).joinpath("features.csv").read_text("utf-8")
    table: dict[str, dict[str, Equivalent]] = {name: {} for name in FAMILIES}
    for row in csv.DictReader(text.splitlines()):
        table[row["class"]][row["feature"]] = Equivalent(row["abbreviation"], row["difference"])
    return table


def read_parameters(path: Path) -> Content:
    """The content of a parameter file, YAML or JSON.

    Raises
    ------
    Permanent
        It does not read, or is no mapping of pyradiomics' sections.
    """
    try:
        content = parse_yaml(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unusable(path.name, f"it does not read ({type(error).__name__})") from None
    if not isinstance(content, dict) or not set(content) & set(_SECTIONS):
        raise _unusable(path.name, f"it has none of the sections {', '.join(_SECTIONS)}")
    return content


def to_preset(content: Content, name: str, modality: Modality) -> tuple[Preset, list[Note]]:
    """A preset that measures what a parameter file asks for, and every difference.

    Parameters
    ----------
    name
        Of the preset.
    modality
        Of the images: a parameter file does not say.

    Raises
    ------
    Permanent
        A value is not one that pyradiomics takes, or nothing is left to measure.
    """
    try:
        Form.model_validate(content)
    except ValidationError as error:
        raise _misfit(name, error) from None
    role, unit = _IMAGES[modality]
    settings = content.get("setting") or {}
    fields, notes = measurement_of(settings)
    response_maps, said = filters_of(content.get("imageType") or {"Original": {}}, settings)
    groups, more = _groups(content.get("featureClass") or dict.fromkeys(FAMILIES))
    notes += said + more
    for section in sorted(set(content) - set(_SECTIONS) | ({"voxelSetting"} & set(content))):
        notes.append(refused(section, None, "feature maps are not made" if section == "voxelSetting" else "not known"))
    image = {"role": role, "modality": modality, "unit": unit}
    measurements = [_measurement(image | fields, group, response_maps) for group in groups]
    try:
        preset = {"name": name, "title": f"{name}, from pyradiomics", "measurements": measurements}
        return Preset.model_validate(preset), notes
    except ValidationError as error:
        raise _misfit(name, error) from None


@dataclass(frozen=True)
class _Group:
    """Families that are measured together, and the features of theirs that are left out."""

    families: Sequence[str]
    without: Sequence[str] = ()


def _groups(classes: Content) -> tuple[list[_Group], list[Note]]:
    whole: list[str] = []
    groups: list[_Group] = []
    notes: list[Note] = []
    for name, wanted in classes.items():
        if name not in FAMILIES:
            notes.append(refused("featureClass", name, "there is no such class here"))
            continue
        known = equivalents()[name]
        chosen = {feature: known[feature] for feature in wanted or known if feature in known}
        notes += [refused(name, feature, "it is not known") for feature in wanted or () if feature not in known]
        notes += [_note(name, feature, each) for feature, each in chosen.items() if each.difference]
        if wanted:
            groups += _restricted([each.abbreviation for each in chosen.values() if each.abbreviation])
        else:
            whole += FAMILIES[name]
    return [*([_Group(whole)] if whole else []), *groups], notes


def _note(name: str, feature: str, each: Equivalent) -> Note:
    make = differing if each.abbreviation else refused
    return make(f"{name} {feature}", None, each.difference)


def _restricted(abbreviations: Sequence[str]) -> list[_Group]:
    """A group for each family: features of several families may have one name."""
    manual = definitions()
    families = dict.fromkeys(manual[each].family for each in abbreviations)
    return [
        _Group(
            [family], [each.name for key, each in manual.items() if each.family == family and key not in abbreviations]
        )
        for family in families
    ]


def _measurement(common: Content, group: _Group, response_maps: Content) -> dict[str, Any]:
    """The fields of a measurement; response maps say nothing about shape."""
    fields: dict[str, Any] = {**common, "families": list(group.families)}
    if group.without:
        fields["without"] = list(group.without)
    of_maps = [family for family in group.families if family != "morphology"]
    return {**fields, **response_maps, "filter_families": of_maps} if response_maps and of_maps else fields


def _misfit(name: str, error: ValidationError) -> Permanent:
    first = error.errors()[0]
    return _unusable(name, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _unusable(name: str, cause: str) -> Permanent:
    return Permanent(
        f"pyradiomics parameters {name}", cause, "correct the file: pyradiomics' documentation shows the format"
    )
