"""Arrays in, features out: what a notebook calls."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.quantify import extract
from lucidray.quantify.preset import load_preset

MakeVolume = Callable[..., Volume]
MakeGrid = Callable[..., Grid]

IMAGE = np.random.default_rng(8).gamma(2, 2, (12, 14, 16))
MASK = np.zeros(IMAGE.shape, bool)
MASK[3:8, 4:10, 5:12] = True


def test_arrays_and_volumes_give_the_same(make_volume: MakeVolume) -> None:
    from_arrays = extract(IMAGE.astype(np.float32), MASK, "pet-suv", spacing=(3, 2, 2))
    assert extract(make_volume(IMAGE, (3, 2, 2)), MASK.astype(np.uint8), load_preset("pet-suv")) == from_arrays
    values = {each.name: each.value for each in from_arrays}
    assert values["volume_voxel_counting"] == MASK.sum() * 12
    assert values["mean_intensity"] == pytest.approx(IMAGE[MASK].mean())


def test_each_role_has_its_image(tmp_path: Path) -> None:
    measured = extract({"PET": IMAGE, "CT": np.round(IMAGE)}, MASK, "pet-ct-core", spacing=(3, 3, 3))
    assert {each.image_role for each in measured} == {"PET", "CT"}
    with pytest.raises(Permanent, match="image 'CT'.*given are PET"):
        extract({"PET": IMAGE}, MASK, "pet-ct-core")


def test_mask_on_another_grid_is_refused_naming_both(make_grid: MakeGrid) -> None:
    with pytest.raises(Permanent) as failure:
        extract(IMAGE, MASK[1:], "pet-suv", spacing=(3, 2, 2))
    assert "(11, 14, 16)" in str(failure.value)
    assert "12 x 14 x 16 voxels of 3 x 2 x 2 mm" in str(failure.value)
    shifted = extract(
        IMAGE, MASK[1:], "pet-suv", spacing=(3, 2, 2), mask_grid=make_grid((11, 14, 16), (3, 2, 2), (0, 0, 3))
    )
    assert shifted == extract(IMAGE, MASK, "pet-suv", spacing=(3, 2, 2))


@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_mask_voxels_that_are_no_numbers_are_refused(strange: float) -> None:
    """NaN is not zero: a mask whose background is NaN would otherwise measure the whole image."""
    with pytest.raises(Permanent, match="mask: 3 of its voxels are no finite numbers"):
        extract(IMAGE, np.where(np.arange(IMAGE.size).reshape(IMAGE.shape) < 3, strange, MASK), "pet-suv")


def test_a_mask_of_words_is_refused() -> None:
    with pytest.raises(Permanent, match="mask: its voxels are of type"):
        extract(IMAGE, MASK.astype(str), "pet-suv")
