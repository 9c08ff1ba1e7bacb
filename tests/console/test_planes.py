"""Planes: orientation, interpolation, nothing from outside."""

import numpy as np
import pytest
from tests.console.scenes import CT_GRID, ct, regions, volume

from lucidray.console.planes import (
    axial_plane,
    coronal_plane,
    sample,
    sample_labels,
    upright_regions,
    upright_volume,
    zoomed,
)
from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Regions, RegionsFacts


def turned(axes: tuple[tuple[float, float, float], ...]) -> Grid:
    return Grid(shape=(4, 5, 6), spacing=(3, 2, 1), origin=(10, 20, 30), axes=axes)


@pytest.mark.parametrize(
    "axes",
    [
        ((0, 0, 1), (0, 1, 0), (1, 0, 0)),
        ((0, 0, -1), (0, -1, 0), (-1, 0, 0)),
        ((1, 0, 0), (0, 0, -1), (0, 1, 0)),  # sagittal, first row at the head
        ((0, 1, 0), (0, 0, -1), (1, 0, 0)),  # coronal
    ],
)
def test_upright_keeps_every_voxel_where_it_is(axes: tuple[tuple[float, float, float], ...]) -> None:
    grid = turned(axes)
    before = volume(grid, "CT", np.arange(120, dtype=np.int16).reshape(grid.shape))
    after = upright_volume(before)
    assert np.allclose(after.grid.axes, ((0, 0, 1), (0, 1, 0), (1, 0, 0)))
    for z, y, x in [(0, 0, 0), (3, 4, 5), (1, 2, 3)]:
        place = grid.affine @ [z, y, x, 1]
        index = np.linalg.inv(after.grid.affine) @ place
        at = tuple(np.round(index[:3]).astype(int))
        assert np.allclose(after.grid.affine @ [*at, 1], place)
        assert after.voxels[at] == before.voxels[z, y, x]


def test_oblique_axes_keep_their_angle() -> None:
    tilt = np.deg2rad(20)
    axes = (
        (0.0, -float(np.sin(tilt)), float(np.cos(tilt))),
        (0.0, -float(np.cos(tilt)), -float(np.sin(tilt))),
        (1.0, 0.0, 0.0),
    )
    after = upright_volume(volume(turned(axes), "CT", np.zeros((4, 5, 6), np.int16)))
    assert after.grid.axes[1] == pytest.approx((0, np.cos(tilt), np.sin(tilt)))


def test_pixels_are_square_and_the_field_of_view_is_whole() -> None:
    grid = CT_GRID.model_copy(update={"spacing": (4.0, 3.0, 2.0)})  # 60 mm down, 40 mm across
    plane = axial_plane(grid, 0, size=120)
    assert plane.shape == (120, 80)
    assert plane.pixel == pytest.approx(0.5)
    assert np.linalg.norm(plane.down) == pytest.approx(np.linalg.norm(plane.right))


def test_slice_at_its_own_resolution_is_the_slice() -> None:
    image = ct()
    values = sample(image.voxels, image.grid, axial_plane(image.grid, 4, size=20), -1000)
    assert np.array_equal(values, image.voxels[4])


def test_interpolation_is_linear() -> None:
    ramp = np.broadcast_to(np.arange(20, dtype=np.float32), CT_GRID.shape).copy()
    plane = zoomed(axial_plane(CT_GRID, 4, size=20), np.array([0.0, 0.0, 116.0]), 8.0)
    values = sample(ramp, CT_GRID, plane, 0)
    across = (plane.origin[0] + np.arange(20) * plane.right[0] + 19) / 2  # index of each column
    assert values[10] == pytest.approx(across, abs=1e-4)


def test_zoom_is_centred_in_the_same_plane() -> None:
    plane = zoomed(axial_plane(CT_GRID, 4, size=20), np.array([5.0, -3.0, 999.0]), 30.0)
    middle = plane.origin + (np.array(plane.shape) - 1) @ np.stack([plane.down, plane.right]) / 2
    assert middle == pytest.approx([5.0, -3.0, 116.0])
    assert plane.pixel * plane.shape[0] == pytest.approx(30.0)


def test_outside_is_outside() -> None:
    plane = zoomed(axial_plane(CT_GRID, 4, size=20), np.array([0.0, 0.0, 0.0]), 80.0)
    assert sample(ct().voxels, CT_GRID, plane, -7)[0, 0] == -7
    assert sample_labels(np.ones(CT_GRID.shape, np.uint8), CT_GRID, plane)[0, 0] == 0


def test_coronal_has_the_head_up_and_the_right_at_the_left() -> None:
    voxels = np.zeros(CT_GRID.shape, np.float32)
    voxels[9, :, 0] = 1  # highest slice, lowest x: head, right
    values = sample(voxels, CT_GRID, coronal_plane(CT_GRID, 20), 0)
    assert values[0, 0] == 1
    assert values.sum() == pytest.approx(values[:3, :2].sum())


def test_labels_on_a_rotated_grid_are_found_by_place() -> None:
    source = regions()
    grid = CT_GRID.model_copy(update={"axes": ((0, 0, 1), (0, 1, 0), (-1, 0, 0)), "origin": (19.0, -19.0, 100.0)})
    mirrored = Regions(
        source.labels[:, :, ::-1].copy(),
        RegionsFacts(grid=grid, source_role="CT", segments=source.facts.segments),
    )
    plane = axial_plane(CT_GRID, 4, 20)
    direct = sample_labels(source.labels, CT_GRID, plane)
    for other in (mirrored, upright_regions(mirrored)):
        assert np.array_equal(sample_labels(other.labels, other.facts.grid, plane), direct)
