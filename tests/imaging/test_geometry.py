"""Geometry: slices go where their headers say, or are refused by name."""

from math import cos, radians, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.imaging.slices import FRAME, changed, headers

from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import stack_slices, to_index, to_patient

THING = "series of role 'CT'"


def test_axial_slices_give_the_grid_of_their_headers() -> None:
    stack = stack_slices(headers([0, 3, 6]), THING)
    grid = stack.grid
    assert grid.shape == (3, 4, 6)
    assert grid.spacing == (3.0, 2.0, 1.5)  # PixelSpacing is row spacing, then column spacing
    assert grid.origin == (-10.0, -20.0, 0.0)
    assert grid.axes == ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    assert grid.frame_of_reference_uid == FRAME
    assert stack.uniform


def test_order_of_arrival_does_not_matter() -> None:
    slices = headers([6, 0, 9, 3])
    stack = stack_slices(slices, THING)
    assert stack.order == [1, 3, 0, 2]
    assert stack.grid == stack_slices(headers([0, 3, 6, 9]), THING).grid


@settings(max_examples=50)
@given(
    angle=st.floats(-180, 180),
    tilt=st.floats(-180, 180),
    spacing=st.floats(0.5, 10),
    count=st.integers(2, 8),
    index=st.tuples(st.integers(0, 7), st.integers(0, 3), st.integers(0, 5)),
)
def test_voxels_are_where_dicom_says(
    angle: float, tilt: float, spacing: float, count: int, index: tuple[int, int, int]
) -> None:
    """PS3.3 equation C.7.6.2.1-1, for any orientation."""
    a, t = radians(angle), radians(tilt)
    along = np.array([cos(a), sin(a), 0.0])
    down = np.array([-sin(a) * cos(t), cos(a) * cos(t), sin(t)])
    slices = headers([spacing * i for i in range(count)], cosines=(along.tolist(), down.tolist()))
    grid = stack_slices(slices, THING).grid
    z, row, column = min(index[0], count - 1), index[1], index[2]
    expected = np.array(slices[z].ImagePositionPatient, float) + along * 1.5 * column + down * 2.0 * row
    place = np.array([[z, row, column]], float)
    assert np.allclose(to_patient(grid, place)[0], expected, atol=1e-6)
    assert np.allclose((grid.affine @ [z, row, column, 1])[:3], expected, atol=1e-6)
    assert np.allclose(to_index(grid, expected[None]), place, atol=1e-6)


def test_missing_slices_are_named() -> None:
    with pytest.raises(Permanent, match=r"2 missing slices between z=3\.00 and z=12\.00 \(usual distance 3\.00 mm\)"):
        stack_slices(headers([0, 3, 12, 15]), THING)


def test_longest_run_keeps_what_has_no_gap() -> None:
    stack = stack_slices(headers([0, 3, 12, 15, 18]), THING, gaps="longest-run")
    assert stack.order == [2, 3, 4]
    assert stack.dropped == 2
    assert stack.grid.origin[2] == 12.0


def test_duplicate_slices_are_named() -> None:
    with pytest.raises(Permanent, match=r"2 duplicate slices, at z=3\.00, 6\.00"):
        stack_slices(headers([0, 3, 3, 6, 6, 9]), THING)


@pytest.mark.parametrize(
    "elements",
    [
        {"Rows": 5},
        {"PixelSpacing": [2.0, 2.0]},
        {"ImageOrientationPatient": [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]},
    ],
)
def test_a_slice_of_another_kind_is_named(elements: dict[str, object]) -> None:
    slices = headers([0, 3, 6])
    slices[1] = changed(slices[1], **elements)
    with pytest.raises(Permanent, match=r"1 slices differ.*at z=3\.00"):
        stack_slices(slices, THING)


def test_two_frames_of_reference_are_refused() -> None:
    slices = headers([0, 3, 6])
    slices[1] = changed(slices[1], FrameOfReferenceUID="9.9")
    with pytest.raises(Permanent, match="2 frames of reference"):
        stack_slices(slices, THING)


def test_a_frame_of_reference_for_each_slice_is_told() -> None:
    """As public collections have it: the geometry is sound all the same."""
    slices = headers([3, 0, 6])
    for number, one in enumerate(slices):
        one.FrameOfReferenceUID = f"9.{number}"
    stack = stack_slices(slices, THING)
    assert not stack.one_frame
    assert stack.grid.frame_of_reference_uid == "9.1"  # that of the lowest slice, whatever came first
    assert stack_slices(headers([0, 3, 6]), THING).one_frame


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows"])
def test_missing_geometry_is_named(keyword: str) -> None:
    slices = headers([0, 3, 6])
    slices[1] = changed(slices[1], **{keyword: None})
    with pytest.raises(Permanent, match=keyword):
        stack_slices(slices, THING)


def test_small_jitter_is_flagged_and_large_jitter_refused() -> None:
    assert not stack_slices(headers([0, 3.1, 6]), THING).uniform
    with pytest.raises(Permanent, match=r"not evenly spaced: at z=4\.00 one is 1\.00 mm"):
        stack_slices(headers([0, 4, 6]), THING)


def test_tilted_gantry_is_refused() -> None:
    slices = headers([0, 3, 6])
    for number, one in enumerate(slices):
        x, y, z = one.ImagePositionPatient
        one.ImagePositionPatient = [x, y + number, z]
    with pytest.raises(Permanent, match=r"sideways by up to 2\.0 mm"):
        stack_slices(slices, THING)


def test_one_slice_is_no_volume() -> None:
    with pytest.raises(Permanent, match="1 slices"):
        stack_slices(headers([0]), THING)
