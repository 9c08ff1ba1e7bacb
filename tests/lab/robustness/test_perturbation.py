"""Perturbed lesions lie where the image says."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume, VolumeFacts
from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import to_patient
from lucidray.imaging.resample import ibsi_grid, resample
from lucidray.lab.robustness.perturbation import Chain, Lesion, generator, noise_level, perturbed, perturbed_together
from lucidray.quantify.region import EMPTY, OUTSIDE, VANISHED

AXES = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
GRID = Grid(shape=(30, 60, 60), spacing=(3.0, 1.5, 1.5), origin=(-20.0, 10.0, 5.0), axes=AXES)
SLOPE = np.array([0.3, -0.7, 1.1])  # of a ramp along (x, y, z), per mm
SPACING = (2.0, 2.0, 2.0)


def place(grid: Grid) -> npt.NDArray[np.float64]:
    """(x, y, z) of every voxel, mm."""
    everywhere = np.indices(grid.shape, np.float64).reshape(3, -1).T
    return to_patient(grid, everywhere).reshape(*grid.shape, 3)


def lesion(voxels: npt.NDArray[np.float64]) -> Lesion:
    facts = VolumeFacts(
        grid=GRID,
        modality="CT",
        unit="[hnsf'U]",
        study_instance_uid="",
        series_instance_uid="",
        sop_class_uid="",
        sop_instance_uids=[],
    )
    centre = place(GRID)[15, 30, 28]
    mask = np.linalg.norm(place(GRID) - centre, axis=-1) <= 12
    return Lesion("one", Volume(voxels.astype(np.float32), facts), mask, GRID)


@pytest.fixture
def ramp() -> Lesion:
    return lesion(place(GRID) @ SLOPE)


@pytest.mark.parametrize("links", ["R", "T", "RT"])
def test_moving_the_grid_does_not_move_the_image(ramp: Lesion, links: str) -> None:
    """Linear interpolation keeps a ramp: every voxel has the value of its place in the patient."""
    found = perturbed(ramp, SPACING, Chain.parse(links), generator(1, "one", 0))
    inside = found.mask
    np.testing.assert_allclose(found.volume.voxels[inside], (place(found.grid) @ SLOPE)[inside], atol=1e-3)
    # The region is the same ball, seen by other voxels.
    volume = inside.sum() * found.grid.voxel_volume
    assert volume == pytest.approx(ramp.mask.sum() * GRID.voxel_volume, rel=0.02)
    before = to_patient(GRID, np.argwhere(ramp.mask).mean(axis=0)[None])
    after = to_patient(found.grid, np.argwhere(inside).mean(axis=0)[None])
    np.testing.assert_allclose(after, before, atol=0.3)  # of voxels of 2 mm


def test_rotation_stays_within_its_limit_about_the_slice_normal(ramp: Lesion) -> None:
    angles = []
    for repeat in range(12):
        axes = np.array(perturbed(ramp, None, Chain(("R",), rotation=8), generator(1, "one", repeat)).grid.axes)
        np.testing.assert_allclose(axes[0], AXES[0], atol=1e-12)
        angles.append(np.degrees(np.arctan2(axes[2][1], axes[2][0])))
    assert -8 <= min(angles) < -3
    assert 3 < max(angles) <= 8


def test_a_chain_without_links_measures_the_plain_image(ramp: Lesion) -> None:
    found = perturbed(ramp, SPACING, Chain(()), generator(1, "one", 0))
    whole = ibsi_grid(GRID, SPACING)
    np.testing.assert_allclose(
        resample(ramp.volume.voxels, GRID, whole).sum(where=resample(ramp.mask * 1.0, GRID, whole) >= 0.5),
        found.volume.voxels.sum(where=found.mask),
        rtol=1e-5,
    )


def test_a_region_that_is_not_there_is_refused_with_the_reasons_of_the_engine(ramp: Lesion) -> None:
    empty, speck = np.zeros_like(ramp.mask), np.zeros_like(ramp.mask)
    speck[10, 20, 20] = True
    away = GRID.model_copy(update={"origin": (900.0, 0.0, 0.0)})
    for other, spacing, reason in (
        (replace(ramp, mask=empty), SPACING, EMPTY),
        (replace(ramp, grid=away), SPACING, OUTSIDE),
        (replace(ramp, mask=speck), (9.0, 9.0, 9.0), VANISHED),
        (ramp, (0.01, 0.01, 0.01), None),
    ):
        with pytest.raises(Permanent, match=reason.reason if reason else "voxels of 3 x 1.5 x 1.5 mm"):
            perturbed(other, spacing, Chain.parse("RT"), generator(1, "one", 0))


def test_noise_is_measured_and_added_again() -> None:
    rng = np.random.default_rng(4)
    noisy = lesion(place(GRID) @ SLOPE + rng.normal(0, 7, GRID.shape))
    assert noise_level(noisy.volume.voxels.astype(np.float32)) == pytest.approx(7, rel=0.02)
    plain = perturbed(noisy, None, Chain(()), generator(1, "one", 0))
    found = perturbed(noisy, None, Chain(("N",)), generator(1, "one", 0))
    added = (found.volume.voxels - plain.volume.voxels)[found.mask]
    assert added.std() == pytest.approx(7, rel=0.1)
    assert abs(added.mean()) < 1


def test_a_smooth_image_has_no_noise(ramp: Lesion) -> None:
    assert noise_level(ramp.volume.voxels.astype(np.float32)) == pytest.approx(0, abs=1e-4)
    assert noise_level(np.ones((3, 1, 1), np.float32)) == 0


def test_volume_changes_within_its_limit(ramp: Lesion) -> None:
    plain = perturbed(ramp, None, Chain(()), generator(1, "one", 0)).mask.sum()
    chain = Chain(("V",), volume=0.2)
    changes = [perturbed(ramp, None, chain, generator(1, "one", each)).mask.sum() / plain - 1 for each in range(10)]
    assert -0.2 <= min(changes) < -0.1
    assert 0.1 < max(changes) <= 0.2


def test_draws_are_of_the_lesion_and_the_repeat_alone(ramp: Lesion) -> None:
    one, same, other = (
        perturbed(ramp, SPACING, Chain(), generator(1, "one", repeat)).volume.voxels.tobytes() for repeat in (3, 3, 4)
    )
    assert one == same
    assert one != other


def test_leaving_a_link_out_changes_no_other_draw(ramp: Lesion) -> None:
    whole = perturbed(ramp, SPACING, Chain.parse("RTV"), generator(1, "one", 0))
    part = perturbed(ramp, SPACING, Chain.parse("RT"), generator(1, "one", 0))
    assert whole.grid == part.grid


@pytest.mark.parametrize("letters", ["", "X", "RR", "rt"])
def test_chains_are_made_of_five_letters(letters: str) -> None:
    with pytest.raises(Permanent, match="R, T, N, V and C"):
        Chain.parse(letters)


def test_a_region_that_falls_between_voxels_is_named(ramp: Lesion) -> None:
    mask = np.zeros(GRID.shape, np.bool_)
    mask[15, 30, 28] = True
    with pytest.raises(Permanent, match="'one': on the measurement's grid the region has no voxel"):
        perturbed(Lesion("one", ramp.volume, mask, GRID), (20.0, 20.0, 20.0), Chain(), generator(1, "one", 0))


def test_two_images_move_together_and_end_where_they_end(ramp: Lesion) -> None:
    """A coarser second image that ends in the middle of the region: what it covers is at its place in the patient."""
    grid = GRID.model_copy(update={"shape": (15, 30, 14), "spacing": (6.0, 3.0, 3.0)})
    facts = ramp.volume.facts.model_copy(update={"grid": grid})
    short = Lesion("one", Volume((-2 * (place(grid) @ SLOPE)).astype(np.float32), facts), ramp.mask, GRID)
    first, second = perturbed_together([ramp, short], SPACING, Chain.parse("RTV"), generator(1, "one", 0))
    alone = perturbed(ramp, SPACING, Chain.parse("RTV"), generator(1, "one", 0))
    np.testing.assert_array_equal(first.volume.voxels, alone.volume.voxels)
    np.testing.assert_array_equal(second.mask, alone.mask)
    assert first.grid == second.grid == second.volume.grid
    inside = first.mask & (place(first.grid)[..., 0] < grid.origin[0] + 13 * 3.0)
    np.testing.assert_allclose(second.volume.voxels[inside], -2 * first.volume.voxels[inside], atol=1e-2)
    beyond = first.mask & (place(first.grid)[..., 0] > grid.origin[0] + 13.6 * 3.0)
    assert beyond.any()
    assert np.isnan(second.volume.voxels[beyond]).all()
