"""Where devices write into their pictures: rules by maker, model, class and size, and the regions of ultrasound."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydicom import Dataset
from pydicom.tag import Tag

from lucidray.core.errors import Permanent
from lucidray.deidentify.elements import text_of
from lucidray.deidentify.settings import DeidentifySettings

Mask = npt.NDArray[np.bool_]  # (y, x); true where pixels are blanked
RULES = Path(__file__).with_name("pixel_regions.yaml")
_REGION = ("RegionLocationMinY0", "RegionLocationMinX0", "RegionLocationMaxY1", "RegionLocationMaxX1")


class RegionRule(BaseModel):
    """Rectangles to blank in the pictures of some devices."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    when: dict[str, str] = Field(description="Keyword to a regular expression that all of its value must match")
    unit: Literal["pixels", "fraction"] = "pixels"
    blank: list[tuple[float, float, float, float]] = Field(
        description="Top, left, bottom, right; the last two exclusive; fractions of rows and columns"
    )

    def matches(self, header: Dataset) -> bool:
        """Whether the rule is about an object."""
        return all(
            re.fullmatch(pattern, text_of(header, Tag(keyword)), re.IGNORECASE)
            for keyword, pattern in self.when.items()
        )

    def mask(self, shape: tuple[int, int]) -> Mask:
        """Its rectangles in a picture of `shape` (rows, columns)."""
        mask = np.zeros(shape, dtype=bool)
        rows, columns = shape if self.unit == "fraction" else (1, 1)
        for top, left, bottom, right in self.blank:
            mask[int(top * rows) : int(np.ceil(bottom * rows)), int(left * columns) : int(np.ceil(right * columns))] = (
                True
            )
        return mask


def read_rules(paths: Iterable[Path]) -> list[RegionRule]:
    """The rules of some YAML files.

    Raises
    ------
    Permanent
        A file cannot be read, or a rule in it is wrong.
    """
    rules: list[RegionRule] = []
    for path in paths:
        try:
            rules += [RegionRule.model_validate(each) for each in yaml.safe_load(path.read_text(encoding="utf-8"))]
            for rule in rules:
                _check(rule)
        except (OSError, yaml.YAMLError, TypeError, ValidationError, ValueError, re.error) as error:
            raise Permanent(
                f"pixel region rules {path}", f"they do not read ({type(error).__name__})", "see docs/pixels.md"
            ) from None
    return rules


def our_rules() -> list[RegionRule]:
    """The rules that come with Lucidray and those of the settings.

    Raises
    ------
    Permanent
        As `read_rules`.
    """
    return read_rules([RULES, *DeidentifySettings.load().pixel_rules])


def _check(rule: RegionRule) -> None:
    for keyword, pattern in rule.when.items():
        Tag(keyword)
        re.compile(pattern)


def device_mask(header: Dataset, rules: Sequence[RegionRule]) -> Mask:
    """What the rules blank in an object, and of ultrasound all that lies outside its regions (PS3.3 C.8.5.5)."""
    shape = (int(header.Rows), int(header.Columns))
    mask = np.zeros(shape, dtype=bool)
    for rule in rules:
        if rule.matches(header):
            mask |= rule.mask(shape)
    regions = header.get("SequenceOfUltrasoundRegions") or ()
    if regions:
        outside = np.ones(shape, dtype=bool)
        for region in regions:
            top, left, bottom, right = (max(0, int(region[keyword].value)) for keyword in _REGION)
            outside[top : bottom + 1, left : right + 1] = False
        mask |= outside
    return mask
