"""Profiles: which options of PS3.15 apply, and which text may stay. YAML files in profiles/."""

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from lucidray.core.errors import Permanent

Option = Literal[
    "retain_safe_private",
    "retain_device_identity",
    "retain_patient_characteristics",
    "retain_longitudinal_modified_dates",
    "clean_descriptors",
    "clean_structured_content",
    "clean_graphics",
]
TextKind = Literal["words", "identifier", "description", "region", "label", "site"]

# Codes of CID 7050 "De-identification Method" (PS3.16).
BASIC_PROFILE = ("113100", "Basic Application Confidentiality Profile")
CLEAN_PIXEL_DATA = ("113101", "Clean Pixel Data Option")
OPTION_CODES: dict[Option, tuple[str, str]] = {
    "clean_graphics": ("113103", "Clean Graphics Option"),
    "clean_structured_content": ("113104", "Clean Structured Content Option"),
    "clean_descriptors": ("113105", "Clean Descriptors Option"),
    "retain_longitudinal_modified_dates": (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    "retain_patient_characteristics": ("113108", "Retain Patient Characteristics Option"),
    "retain_device_identity": ("113109", "Retain Device Identity Option"),
    "retain_safe_private": ("113111", "Retain Safe Private Option"),
}


class Profile(BaseModel):
    """What is kept. Everything that neither the profile nor a rule of PS3.15 keeps is taken out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    version: int
    options: frozenset[Option]
    text: dict[str, TextKind]
    empty: frozenset[str]
    heads: Literal["stay", "kept back"] = "stay"  # no face is ever removed

    def codes(self, *, pixels_cleaned: bool = False) -> list[tuple[str, str]]:
        """Value and meaning of the codes (scheme DCM) that tell what was done, in the order of their values."""
        options = [code for option, code in OPTION_CODES.items() if option in self.options]
        return [BASIC_PROFILE, *([CLEAN_PIXEL_DATA] if pixels_cleaned else []), *options]


def profile_names() -> list[str]:
    """Names of the profiles that come with Lucidray."""
    folder = files(__package__) / "profiles"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


@cache
def load_profile(name: str) -> Profile:
    """A profile by name.

    Raises
    ------
    Permanent
        There is none of that name.
    """
    if name not in profile_names():
        raise Permanent(
            f"de-identification profile '{name}'", "there is none of that name", f"use: {', '.join(profile_names())}"
        )
    source = files(__package__) / "profiles" / f"{name}.yaml"
    return Profile.model_validate(yaml.safe_load(source.read_text(encoding="utf-8")))
