"""What a feature or a filter is, in a formula and a plain sentence."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib import resources
from textwrap import fill
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from lucidray.core.errors import Permanent
from lucidray.lab.features.tables import AGGREGATIONS
from lucidray.quantify.filters import FilterSpec
from lucidray.quantify.higher.definitions import definitions as higher_definitions
from lucidray.quantify.hybrid.fusion import Fusion
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.voxel_number import POWERS, SUFFIX

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
    "intensity_per_length": "that of the image, per mm",
}
_CLINICAL_UNITS = {"age": "a", "weight": "kg", "height": "m"}
_SOURCE: Mapping[str, str] = {  # by family; '' is the manual of the IBSI
    "": "IBSI reference manual, arXiv:1612.07003",
    "filters": "IBSI-2 reference manual, arXiv:2006.05470",
    "fusions": "Vallieres et al. 2015, Phys Med Biol 60:5471; Lv et al. 2020, IEEE J Biomed Health Inform 24:2268",
    "voxelwise_association": "Maes et al. 1997, IEEE TMI 16:187; Studholme et al. 1999, Pattern Recognition 32:71",
    "deep": "the bundle that embeds the region",
    "clinical": "DICOM PS3.3 C.7.1.1 and C.7.2.2; codes of PS3.16 TID 1007 and SNOMED CT",
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
    symbols: str = ""
    source: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)  # of a filter: name and what it is

    def text(self) -> str:
        """For a terminal."""
        code = f" (IBSI {self.code})" if self.code else ""
        named = {"where": self.symbols, "unit": self.unit, "source": self.source, **self.parameters}
        parts = [self.meaning, self.formula, *(f"{name}: {what}" for name, what in named.items() if what)]
        body = (fill(part, _WIDTH, initial_indent="  ", subsequent_indent="    ") for part in parts)
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
    return {**_measured(), **_higher(), **dict(_configured())}


def describe(what: str) -> list[Description]:
    """The entries of that code, name, abbreviation, kind or family, or of a column of a table.

    Raises
    ------
    Permanent
        There is none; names the nearest ones.
    """
    wanted = re.sub(r"^(?:.*_deep_)?(mean|max|std)_\d+$", r"deep \1", what.strip().lower())  # of a channel
    wanted = re.sub(r"^clinical_(\w+)_\d+$", r"clinical \1", wanted)
    ends = (wanted, wanted.rpartition("_")[2])  # a column ends in its code
    found = [
        each
        for key, each in descriptions().items()
        if wanted in (key, each.name, each.family, f"{each.family} {each.name}")
        or (each.code and each.code.lower() in ends)
    ] or _of_column(wanted)
    if not found:
        names = {name for each in descriptions().values() for name in (each.name, each.family)}
        near = ", ".join(get_close_matches(wanted, names, n=3)) or "none is near"
        raise Permanent(f"feature '{what}'", "it is not known", f"give a name ({near}), an IBSI code or a column")
    return found


def _of_column(column: str) -> list[Description]:
    """The entry of a column without a code: it ends in family, name and maybe aggregation."""
    stem = "_" + re.sub(rf"_(?:{'|'.join(AGGREGATIONS.values())})$", "", column, flags=re.IGNORECASE)
    ends = {f"_{each.family}_{each.name}": each for each in descriptions().values()}
    return [ends[longest] for longest in sorted(filter(stem.endswith, ends), key=len)[-1:]]


def _measured() -> dict[str, Description]:
    """Those of the manual, their variants, and those that have neither code nor definition of their own."""
    manual = definitions()
    entries: dict[str, Description] = {}
    for family, section in _sections().items():
        for key, text in section.features.items() if family not in _MODELS else ():
            known = manual.get(key)
            if known is None:
                unit = _CLINICAL_UNITS.get(key, "none") if family == "clinical" else "none"
                plain = Description(key, family, "", unit, text.formula, text.meaning, section.symbols, _SOURCE[family])
                entries[f"{family} {key}"] = plain
                continue
            unit = _UNITS[known.quantity]
            entry = Description(
                known.name, family, known.code, unit, text.formula, text.meaning, section.symbols, _SOURCE[""]
            )
            entries[key] = entry
            if known.code in POWERS:
                entries[f"{family} {known.name}{SUFFIX}"] = _normalised(entry)
    return entries


def _normalised(entry: Description) -> Description:
    """The variant of a feature with the number of voxels divided out."""
    by = "times" if POWERS[entry.code] > 0 else "divided by"
    return replace(
        entry,
        name=entry.name + SUFFIX,
        code="",
        formula=f"({entry.formula}) {by} the number of voxels",
        meaning=f"{entry.meaning} The number of voxels is taken out, on which it depends.",
        source="Shafiq-ul-Hassan et al. 2017, Med Phys 44:1050",
    )


def _higher() -> dict[str, Description]:
    """Those beyond the manual."""
    return {
        key: Description(
            each.name, each.family, "", _UNITS[each.quantity], each.formula, each.meaning, source=each.source.strip()
        )
        for key, each in higher_definitions().items()
    }


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
            entry = Description(
                kind, family, code, "", text.formula, text.meaning, section.symbols, _SOURCE[family], parameters
            )
            yield f"{family} {kind}", entry


@cache
def _sections() -> Mapping[str, _Section]:
    content = yaml.safe_load(resources.files(__package__).joinpath("descriptions.yaml").read_text("utf-8"))
    return {family: _Section.model_validate(section) for family, section in content.items()}
