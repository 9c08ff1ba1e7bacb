"""Morphology of a region: what is defined, what is not, and what is computed."""

import math
import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.quantify.bodies import MASKS, SPACINGS, TURNS, UNIT, Mask, Spacing, box, ellipsoid, turned

from lucidray.quantify.ibsi import definitions
from lucidray.quantify.morphology import (
    CONSTANT,
    EMPTY,
    FLAT,
    NO_INTENSITIES,
    NO_WEIGHT,
    ONE_INTENSITY,
    ONE_VOXEL,
    morphology,
)
from lucidray.quantify.region import Region
from lucidray.quantify.values import Undefined, Values

ALL = frozenset(name for name, each in definitions().items() if each.family == "morphology")
OF_AXES = frozenset(name for name in ALL if "_pca_" in name or name.endswith("_aee"))
# Defined by a search, and not by one body alone where several boxes have the least volume.
SEARCHED = frozenset(name for name in ALL if name.endswith("_ombb"))
OF_INTENSITIES = frozenset(["morph_com", "morph_integ_int", "morph_moran_i", "morph_geary_c"])
# The power of the unit of length that a feature carries.
POWERS = {"length": 1, "area": 2, "volume": 3, "intensity_volume": 3, "per_length": -1, "none": 0}


def region_of(mask: Mask, spacing: Spacing = UNIT, voxels: npt.NDArray[Any] | None = None) -> Region:
    noise = np.random.default_rng(7).normal(40, 9, mask.shape) if voxels is None else voxels.astype(np.float64)
    return Region(noise, mask, mask, spacing)


def numbers(values: Values) -> dict[str, float]:
    return {name: value for name, value in values.items() if not isinstance(value, Undefined)}


def test_a_lesion_has_every_feature() -> None:
    values = morphology(region_of(ellipsoid((3, 4, 5))), ALL)
    assert set(numbers(values)) == set(values) == ALL


def test_the_manuals_relations_between_features_hold() -> None:
    """Section 3.1 says how the measures of roundness follow from one another."""
    values = numbers(morphology(region_of(ellipsoid((3, 4, 5)), (3, 1, 2)), ALL))
    volume, area = values["morph_volume"], values["morph_area_mesh"]
    assert values["morph_av"] == pytest.approx(area / volume)
    assert values["morph_comp_1"] == pytest.approx(volume / (math.sqrt(math.pi) * area**1.5))
    assert values["morph_comp_2"] == pytest.approx(36 * math.pi * volume**2 / area**3)
    assert values["morph_sph_dispr"] == pytest.approx(area / (36 * math.pi * volume**2) ** (1 / 3))
    assert values["morph_sphericity"] == pytest.approx(1 / values["morph_sph_dispr"])
    assert values["morph_asphericity"] == pytest.approx(values["morph_sph_dispr"] - 1)


def test_only_what_is_wanted_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("not wanted")

    for name in ("convex_hull", "autocorrelation", "minimum_box", "minimum_ellipsoid"):
        monkeypatch.setattr(f"lucidray.quantify.morphology.{name}", never)
    assert set(morphology(region_of(box((3, 3, 3))), frozenset(["morph_volume", "morph_com"]))) == {
        "morph_volume",
        "morph_com",
    }


def test_empty_region_has_none() -> None:
    assert morphology(region_of(np.zeros((3, 3, 3), np.bool_)), ALL) == dict.fromkeys(ALL, EMPTY)


def test_one_voxel_has_a_mesh_but_no_axes() -> None:
    values = morphology(region_of(box((1, 1, 1))), ALL)
    assert {name for name, value in values.items() if value == ONE_VOXEL} == OF_AXES
    assert {name for name, value in values.items() if value == ONE_INTENSITY} == {"morph_moran_i", "morph_geary_c"}
    assert numbers(values)["morph_vol_dens_conv_hull"] == pytest.approx(1)
    assert numbers(values)["morph_com"] == 0


@pytest.mark.parametrize("sides", [(1, 1, 5), (1, 4, 5)])
def test_line_and_slice_have_no_ellipsoid(sides: tuple[int, int, int]) -> None:
    values = morphology(region_of(box(sides)), ALL)
    undefined = {name for name, value in values.items() if value == FLAT}
    assert undefined == {"morph_vol_dens_aee", "morph_area_dens_aee"}
    assert set(numbers(values)) == ALL - undefined
    assert numbers(values)["morph_pca_flatness"] == 0


def test_no_intensities() -> None:
    mask = box((2, 3, 4))
    values = morphology(Region(np.ones(mask.shape), mask, ~mask, UNIT), ALL)
    assert {name for name, value in values.items() if value == NO_INTENSITIES} == OF_INTENSITIES


def test_equal_intensities_do_not_correlate() -> None:
    values = morphology(region_of(box((2, 3, 4)), voxels=np.full((2, 3, 4), 0.1)), ALL)
    assert {name for name, value in values.items() if value == CONSTANT} == {"morph_moran_i", "morph_geary_c"}
    assert numbers(values)["morph_com"] == pytest.approx(0, abs=1e-12)


def test_intensities_that_cancel_have_no_centre() -> None:
    values = morphology(region_of(box((1, 1, 2)), voxels=np.array([[[-3, 3]]])), ALL)
    assert values["morph_com"] == NO_WEIGHT
    assert values["morph_integ_int"] == 0


@pytest.mark.parametrize("nothing", [math.nan, math.inf])
def test_voxels_without_a_finite_intensity_count_for_the_shape_alone(nothing: float) -> None:
    mask = ellipsoid((3, 4, 5))
    whole = region_of(mask)
    holes = np.random.default_rng(1).random(mask.shape) < 0.3
    values = morphology(region_of(mask, voxels=np.where(holes, nothing, whole.voxels)), ALL)
    assert values == morphology(Region(whole.voxels, mask, mask & ~holes, UNIT), ALL)


def test_centre_of_mass_shift_by_hand() -> None:
    """A hot voxel of weight 3 beside one of weight 1: a quarter of 4 mm from the middle."""
    values = morphology(region_of(box((1, 1, 2)), (2, 3, 4), np.array([[[1, 3]]])), frozenset(["morph_com"]))
    assert values["morph_com"] == pytest.approx(1)


def test_integrated_intensity_is_mean_times_volume() -> None:
    region = region_of(ellipsoid((3, 4, 5)), (1, 2, 3))
    inner = np.zeros_like(region.mask)
    inner[4:6] = region.mask[4:6]
    values = numbers(morphology(Region(region.voxels, region.mask, inner, region.spacing), ALL))
    assert values["morph_integ_int"] == pytest.approx(values["morph_volume"] * region.voxels[inner].mean())


@settings(max_examples=25, deadline=None)
@given(MASKS, SPACINGS, st.floats(0.1, 10))
def test_features_scale_with_the_unit_of_length(mask: Mask, spacing: Spacing, factor: float) -> None:
    wanted = ALL - SEARCHED | {"morph_vol_dens_ombb"}
    before = numbers(morphology(region_of(mask, spacing), wanted))
    z, y, x = (factor * step for step in spacing)
    after = numbers(morphology(region_of(mask, (z, y, x)), wanted))
    expected = {name: value * factor ** POWERS[definitions()[name].quantity] for name, value in before.items()}
    assert after == pytest.approx(expected, rel=1e-4, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(MASKS, SPACINGS, st.tuples(*[st.integers(0, 4)] * 3))
def test_features_do_not_depend_on_the_position(mask: Mask, spacing: Spacing, shift: tuple[int, int, int]) -> None:
    """Bit for bit, but for the two centres of mass, which are far from the corner of the array."""
    region = region_of(mask, spacing)
    margins = [(step, 2) for step in shift]
    moved = np.pad(mask, margins)
    before = morphology(region, ALL)
    after = morphology(Region(np.pad(region.voxels, margins), moved, moved, spacing), ALL)
    assert after.pop("morph_com") == pytest.approx(before.pop("morph_com"), abs=1e-9)
    assert after == before


@settings(max_examples=25, deadline=None)
@given(MASKS, SPACINGS, st.sampled_from(TURNS))
def test_features_do_not_depend_on_the_directions_of_the_axes(
    mask: Mask, spacing: Spacing, turn: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    region = region_of(mask, spacing)
    z, y, x = (spacing[axis] for axis in turn[0])
    other = turned(mask, *turn)
    after = numbers(morphology(Region(turned(region.voxels, *turn), other, other, (z, y, x)), ALL - SEARCHED))
    assert after == pytest.approx(numbers(morphology(region, ALL - SEARCHED)), rel=1e-4, abs=1e-6)


DIGITS = """
import numpy as np
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.local_intensity import local_intensity
from lucidray.quantify.morphology import morphology
from lucidray.quantify.region import Region
from tests.quantify.bodies import ellipsoid
mask = ellipsoid((14, 17, 19))
region = Region(np.random.default_rng(0).normal(size=mask.shape), mask, mask, (2.0, 1.0, 1.5))
for family, measure in (("morphology", morphology), ("local_intensity", local_intensity)):
    wanted = frozenset(name for name, each in definitions().items() if each.family == family)
    print(sorted((name, value.hex()) for name, value in measure(region, wanted).items()))
"""


def test_every_bit_is_the_same_at_any_number_of_threads() -> None:
    def run(threads: int) -> bytes:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "PYTHONPATH": os.getcwd()}
        return subprocess.run([sys.executable, "-c", DIGITS], env=environment, capture_output=True, check=True).stdout

    alone = run(1)
    assert b"0x" in alone
    assert run(4) == alone
