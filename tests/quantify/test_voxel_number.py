"""The same texture over more voxels: what changes, and what no longer does."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import ndimage

from lucidray.contracts.results import Feature
from lucidray.quantify import extract
from lucidray.quantify.preset import Preset
from lucidray.quantify.voxel_number import SUFFIX

FAMILIES = ["intensity_statistics", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm"]


def preset(**changes: Any) -> Preset:
    measurement = {
        "role": "MR",
        "modality": "MR",
        "unit": "1",
        "families": FAMILIES,
        "intensity_range": [-4, 4],
        "discretisation": {"method": "fixed_bin_size", "value": 0.25},
        "voxel_number_normalised": True,
    }
    return Preset.model_validate({"name": "test", "title": "Test", "measurements": [measurement | changes]})


def measured(size: int) -> dict[tuple[str, str], Feature]:
    """A cube of slightly smooth noise, with room around it."""
    noise = ndimage.gaussian_filter(np.random.default_rng(size).normal(size=(size + 4,) * 3), 0.6)
    image = np.clip(noise / noise.std(), -1.9, 1.9)  # else the larger one has rarer grey levels
    mask = np.zeros(image.shape, np.bool_)
    mask[2:-2, 2:-2, 2:-2] = True
    return {(each.family, each.name): each for each in extract(image, mask, preset())}


def test_variants_keep_their_value_where_the_features_follow_the_number_of_voxels() -> None:
    small, large = measured(20), measured(40)
    variants = [key for key in small if key[1].endswith(SUFFIX)]
    assert len(variants) == 11
    for family, name in variants:
        one, other = small[family, name], large[family, name]
        assert one.ibsi_code == ""
        assert other.value == pytest.approx(one.value, rel=0.2), name
        plain = [each[family, name.removesuffix(SUFFIX)].value for each in (small, large)]
        growth = (plain[1] or 0) / (plain[0] or 1)
        assert growth > 5 or growth < 1 / 5, f"{name}: eight times the voxels change it by {growth}"


def test_an_undefined_feature_has_an_undefined_variant() -> None:
    mask = np.zeros((5, 5, 5), np.bool_)
    mask[2, 2, 2] = True
    found = {(each.family, each.name): each for each in extract(np.ones((5, 5, 5)), mask, preset())}
    plain, variant = found["ngtdm", "strength"], found["ngtdm", "strength" + SUFFIX]
    assert (plain.value, variant.value) == (None, None)
    assert variant.reason == plain.reason != ""


def test_they_are_an_option_for_volumes_only() -> None:
    names = {each.name for each in extract(np.arange(64.0).reshape(4, 4, 4), np.ones((4, 4, 4)), _plain())}
    assert not any(name.endswith(SUFFIX) for name in names)
    with pytest.raises(ValidationError, match="needs 3D aggregation"):
        preset(aggregation=["3D:mrg", "2D:avg"])


def _plain() -> Preset:
    return preset(voxel_number_normalised=False)
