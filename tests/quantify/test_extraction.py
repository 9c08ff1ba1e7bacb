"""Arrays in, features out: what a notebook calls."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.quantify import extract
from lucidray.quantify.preset import Preset, load_preset

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


def test_a_preset_is_a_name_or_a_file_however_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = load_preset("pet-suv").model_dump(mode="json", exclude_unset=True) | {"name": "mine"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    named = extract(IMAGE, MASK, "pet-suv", spacing=(3, 2, 2))
    assert extract(IMAGE, MASK, str(tmp_path / "mine.yaml"), spacing=(3, 2, 2)) == named
    assert extract(IMAGE, MASK, tmp_path / "mine.yaml", spacing=(3, 2, 2)) == named
    monkeypatch.setenv("LUCIDRAY_QUANTIFY__PRESET_FOLDERS", f'["{tmp_path}"]')
    assert extract(IMAGE, MASK, "mine", spacing=(3, 2, 2)) == named
    with pytest.raises(Permanent) as failure:
        extract(IMAGE, MASK, "yours")
    assert "mine, " in failure.value.cause
    assert "workflow" not in failure.value.remedy


@pytest.mark.parametrize("spacing", [(0, 1, 1), (-1, 1, 1), (1, 1), 1.0, (np.nan, 1, 1), (np.inf, 1, 1), "abc", ()])
def test_a_spacing_that_is_not_three_lengths_is_refused(spacing: Any) -> None:
    with pytest.raises(Permanent, match="spacing: .*three lengths along"):
        extract(IMAGE, MASK, "pet-suv", spacing=spacing)


def test_a_spacing_that_is_not_the_volumes_is_refused(make_volume: MakeVolume) -> None:
    volume = make_volume(IMAGE, (3, 2, 2))
    assert extract(volume, MASK, "pet-suv", spacing=(3, 2, 2)) == extract(volume, MASK, "pet-suv")
    with pytest.raises(Permanent, match="spacing: it is .* the volume's"):
        extract(volume, MASK, "pet-suv", spacing=(3, 3, 3))


def test_voxels_too_small_for_a_sphere_are_a_reason() -> None:
    peaks = [each for each in extract(IMAGE, MASK, "pet-suv", spacing=(1e-6,) * 3) if each.family == "local_intensity"]
    assert peaks
    assert all("so small that a sphere" in each.reason for each in peaks)


def test_voxels_a_thousand_times_longer_than_wide_are_measured() -> None:
    """A circle of 100 mm reaches far out of the region, and needs no array that holds it."""
    measurement = {"role": "MR", "modality": "MR", "unit": "1", "families": ["local_binary_pattern"]}
    preset = Preset.model_validate({"name": "mine", "title": "A test", "measurements": [measurement]})
    found = extract(IMAGE, MASK, preset, spacing=(100, 0.1, 0.1))
    assert "no voxel has its whole neighbourhood in the region" in {each.reason for each in found}


def by_name(image: npt.NDArray[Any]) -> dict[tuple[str, str], float | None]:
    return {(each.family, each.name): each.value for each in extract(image, MASK, "mr-1mm")}


def test_texture_of_mr_does_not_depend_on_the_scale_of_the_scan() -> None:
    image = np.random.default_rng(3).integers(100, 900, IMAGE.shape)
    one, scaled = by_name(image), by_name(4 * image + 1024)
    for family, name in one:
        if family not in ("morphology", "local_intensity", "intensity_statistics") or "skew" in name or "kurt" in name:
            assert scaled[family, name] == pytest.approx(one[family, name], rel=1e-9), name
    assert scaled["intensity_statistics", "mean_intensity"] != one["intensity_statistics", "mean_intensity"]


def test_a_voxel_that_flashes_does_not_flatten_the_texture_of_mr() -> None:
    image = np.random.default_rng(3).integers(100, 900, IMAGE.shape)
    bright = image.copy()
    bright[5, 6, 7] = 30_000
    holed = image.astype(float)
    holed[5, 6, 7] = np.nan
    one, other = by_name(bright), by_name(holed)
    assert {
        name for name in one if name[0] not in ("morphology", "local_intensity") and one[name] != other[name]
    } == set()


def test_what_a_masked_array_masks_is_no_number() -> None:
    holes = IMAGE > 8
    masked = np.ma.masked_array(IMAGE, mask=holes)
    assert extract(masked, MASK, "pet-suv") == extract(np.where(holes, np.nan, IMAGE), MASK, "pet-suv")
    assert extract(masked, MASK, "pet-suv") != extract(IMAGE, MASK, "pet-suv")
    with pytest.raises(Permanent, match="mask: it is a masked array"):
        extract(IMAGE, np.ma.masked_array(MASK, mask=holes), "pet-suv")


@pytest.mark.parametrize(
    ("image", "mask", "preset", "cause"),
    [
        ([[[1, 2], [3]]], MASK, "pet-suv", "image 'PET': its rows or slices differ in length"),
        (IMAGE, [[[1, 0], [1]]], "pet-suv", "mask: its rows or slices differ in length"),
        ("pet.nii.gz", MASK, "pet-suv", "image 'PET': its voxels are of type"),
        (None, MASK, "pet-suv", "image 'PET': its voxels are of type object"),
        (IMAGE.astype(complex), MASK, "pet-suv", "image 'PET': its voxels are of type complex128"),
        (np.zeros((0, 4, 4)), np.zeros((0, 4, 4)), "pet-suv", r"image 'PET': its shape is \(0, 4, 4\)"),
        (IMAGE[0], MASK[0], "pet-suv", r"image 'PET': its shape is \(14, 16\)"),
        (IMAGE, MASK, None, "preset: it is a NoneType"),
        (IMAGE, MASK, {"name": "pet-suv"}, "preset: it is a dict"),
    ],
)
def test_what_is_no_array_and_no_preset_is_named(image: Any, mask: Any, preset: Any, cause: str) -> None:
    with pytest.raises(Permanent, match=cause):
        extract(image, mask, preset)


def test_how_an_array_lies_in_memory_changes_nothing() -> None:
    plain = extract(IMAGE, MASK, "pet-3mm")
    backwards, wide = IMAGE[::-1].copy()[::-1], np.repeat(IMAGE, 2, axis=2)[:, :, ::2]
    frozen = IMAGE.copy()
    frozen.flags.writeable = False
    for other in (np.asfortranarray(IMAGE), backwards, wide, frozen, IMAGE.astype(">f8"), IMAGE.tolist()):
        assert extract(other, np.asfortranarray(MASK), "pet-3mm") == plain


def test_tiny_intensities_are_measured() -> None:
    """Squares of deviations are numbers still, their squares are zero."""
    one, tiny = ({each.name: each for each in extract(image, MASK, "mr-1mm")} for image in (IMAGE, 1e-150 * IMAGE))
    for name in ("morans_i_index", "gearys_c_measure", "intensity_skewness", "intensity_kurtosis", "contrast"):
        assert tiny[name].value == pytest.approx(one[name].value, rel=1e-6), name
    assert all(each.value is not None or each.reason for each in extract(1e-300 * IMAGE, MASK, "mr-1mm"))
