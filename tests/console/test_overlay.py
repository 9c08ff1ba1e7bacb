"""Pictures: outlines where the boundary is, colours where the uptake is, marks at their sides."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from tests.console.scenes import CT_GRID, PET_GRID, ct, pet, regions, segment, volume

from lucidray.console.overlay import (
    CaseImages,
    render_case_overlay,
    render_projection,
    render_slice,
    volume_ml,
    window_of,
)
from lucidray.console.rendering import PALETTE, SOFT_TISSUE, Window, colour_of, fused, grey, outline
from lucidray.contracts.images import Regions

SCALE = 10  # pixels for each voxel of the CT


def images() -> CaseImages:
    return CaseImages.of(ct(), pet(), regions())


def pixels(image: Image.Image | None) -> npt.NDArray[np.uint8]:
    assert image is not None
    return np.asarray(image)


def coloured(picture: npt.NDArray[np.uint8], number: int = 1) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (picture == np.array(colour_of(number))).all(axis=2)
    return found


def test_outline_lies_on_the_boundary_of_the_mask_and_nowhere_else() -> None:
    drawn = coloured(pixels(render_slice(images(), 4, size=20 * SCALE)))
    mask = np.kron(regions().labels[4], np.ones((SCALE, SCALE))).astype(bool)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    expected = mask.copy()
    expected[rows[0] + 2 : rows[-1] - 1, columns[0] + 2 : columns[-1] - 1] = False  # a box: two pixels of rim
    assert np.array_equal(drawn, expected)


def test_no_outline_without_region_or_wish() -> None:
    assert not coloured(pixels(render_slice(images(), 0))).any()
    assert not coloured(pixels(render_slice(images(), 4, outlines=False))).any()


def test_outline_of_a_pixel_and_at_the_edge() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    assert np.array_equal(outline(mask), mask)
    full = np.ones((5, 5), bool)
    assert outline(full).sum() == 16
    assert outline(full, 2).sum() == 24


def test_soft_tissue_window() -> None:
    values = np.array([[-1000, -160, 40, 240, 3000]], np.float32)
    assert grey(values, SOFT_TISSUE)[0, :, 0].tolist() == [0, 0, 127, 255, 255]
    assert grey(values, SOFT_TISSUE, inverted=True)[0, :, 0].tolist() == [255, 255, 127, 0, 0]


def test_fusion_leaves_cold_tissue_grey_and_makes_hot_tissue_bright() -> None:
    under = np.full((1, 2, 3), 100, np.uint8)
    over = fused(under, np.array([[0.0, 7.0]], np.float32), Window(0, 7))
    assert over[0, 0].tolist() == [100, 100, 100]
    assert over[0, 1, 0] > 200
    assert over[0, 1, 0] > over[0, 1, 2]


def test_fused_slice_is_hot_where_the_pet_is() -> None:
    picture = pixels(render_slice(images(), 4, "fused", outlines=False, size=200)).astype(int)
    redness = picture[:, :, 0] - picture[:, :, 2]
    assert redness[110, 110] > 30  # PET voxel (5, 5) covers pixels 100 to 119
    assert redness[30, 60] == 0


def test_pet_alone_is_inverted() -> None:
    picture = pixels(render_slice(images(), 4, "uptake", outlines=False, size=200))
    assert picture[110, 110].tolist() == [0, 0, 0]
    assert picture[30, 60].tolist() == [255, 255, 255]


def test_the_first_slice_is_the_one_with_the_largest_region() -> None:
    assert images().first_slice == 4
    assert [z for z, inside in enumerate(images().region_slices) if inside] == [3, 4, 5]


def test_regions_on_the_grid_of_the_pet() -> None:
    labels = np.zeros(PET_GRID.shape, np.uint8)
    labels[7, 2:5, 2:5] = 1
    facts = regions().facts.model_copy(update={"grid": PET_GRID, "source_role": "PET"})
    shown = CaseImages.of(ct(), pet(), Regions(labels, facts))
    assert shown.first_slice == 7
    drawn = coloured(pixels(render_slice(shown, 7, size=200)))
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (40, 99, 40, 99)  # 3 voxels of 4 mm, 5 pixels a mm


def test_slices_counted_from_the_feet_whatever_the_order_in_the_file() -> None:
    grid = CT_GRID.model_copy(update={"axes": ((0, 0, -1), (0, 1, 0), (1, 0, 0)), "origin": (-19.0, -19.0, 136.0)})
    upside_down = volume(grid, "CT", ct().voxels[::-1].copy())
    assert pixels(render_slice(CaseImages.of(upside_down, pet(), regions()), 4)).tolist() == (
        pixels(render_slice(images(), 4)).tolist()
    )


def test_without_regions_the_middle_is_shown() -> None:
    shown = CaseImages.of(ct(), None, None)
    assert (shown.first_slice, shown.focus, shown.pet) == (5, None, None)
    assert render_projection(shown) is None
    assert not coloured(pixels(render_slice(shown, 5, zoom=True))).any()


def test_close_up_holds_the_region_larger() -> None:
    whole = coloured(pixels(render_slice(images(), 4, size=200))).any(axis=0).sum()
    wide = volume(CT_GRID.model_copy(update={"spacing": (4.0, 20.0, 20.0)}), "CT", ct().voxels)
    facts = regions().facts.model_copy(update={"grid": wide.grid})
    shown = CaseImages.of(wide, None, Regions(regions().labels, facts))
    close = coloured(pixels(render_slice(shown, 4, zoom=True, size=200))).any(axis=0).sum()
    assert close > whole


def test_projection_marks_the_slice_and_the_region() -> None:
    plain = pixels(render_projection(images(), None, size=200))
    marked = pixels(render_projection(images(), 4, size=200))
    changed = np.flatnonzero((plain != marked).any(axis=(1, 2)))
    assert changed.tolist() == [110]  # slice 4 of 10 from below: the middle of rows 100 to 119
    assert coloured(plain).any()
    assert plain[110, 110].tolist() == [0, 0, 0]


def test_right_side_of_the_patient_is_at_the_left() -> None:
    voxels = ct().voxels.copy()
    voxels[:, :, :5] = 1000  # lowest x: the patient's right
    picture = pixels(render_slice(CaseImages.of(volume(CT_GRID, "CT", voxels), None, None), 4, size=200))
    assert picture[60, 20].tolist() == [255, 255, 255]
    assert picture[60, 180].max() < 200


def test_air_around_the_body_is_not_shown_but_regions_in_it_are() -> None:
    grid = CT_GRID.model_copy(update={"spacing": (4.0, 10.0, 10.0), "origin": (-95.0, -95.0, 100.0)})
    voxels = np.full(grid.shape, -1000, np.int16)
    voxels[:, 6:12, 5:15] = 40
    voxels[0, 0, 0] = 3000  # a speck
    body = volume(grid, "CT", voxels)
    shown = CaseImages.of(body, None, None)
    assert shown.base.grid.shape == (10, 10, 14)  # two voxels of margin on each side
    assert np.array_equal(shown.base.voxels, voxels[:, 4:14, 3:17])
    assert shown.base.grid.origin == pytest.approx(tuple((grid.affine @ [0, 4, 3, 1])[:3]))
    labels = np.zeros(grid.shape, np.uint8)
    labels[2, 18, 18] = 1
    facts = regions().facts.model_copy(update={"grid": grid})
    with_region = CaseImages.of(body, None, Regions(labels, facts))
    assert with_region.base.grid.shape == (10, 16, 17)


def test_pet_is_shown_where_the_ct_is() -> None:
    voxels = np.full(CT_GRID.shape, -1000, np.int16)
    grid = CT_GRID.model_copy(update={"spacing": (4.0, 10.0, 10.0), "origin": (-95.0, -95.0, 100.0)})
    voxels[:, 8:12, 8:12] = 40
    wide = volume(
        PET_GRID.model_copy(update={"spacing": (4.0, 20.0, 20.0), "origin": (-90.0, -90.0, 100.0)}),
        "PT",
        pet().voxels,
    )
    shown = CaseImages.of(volume(grid, "CT", voxels), wide, None)
    assert shown.base.grid.shape == (10, 8, 8)
    assert shown.uptake is not None
    assert shown.uptake.grid.shape == (10, 4, 4)
    assert np.array_equal(shown.uptake.voxels, pet().voxels[:, 3:7, 3:7])


def test_windows_by_unit() -> None:
    assert window_of(ct()) == SOFT_TISSUE
    assert window_of(pet()) == Window(0, 7)
    resonance = volume(CT_GRID, "MR", np.linspace(0, 1000, 4000, dtype=np.float32).reshape(CT_GRID.shape))
    assert window_of(resonance).low == pytest.approx(10, abs=5)
    assert window_of(resonance).high == pytest.approx(990, abs=5)


def test_overview_has_both_panels_and_names_the_segment(tmp_path: Path) -> None:
    path = tmp_path / "build" / "overlay.png"
    data = render_case_overlay(ct(), pet(), regions(), path)
    assert path.read_bytes() == data
    picture = np.asarray(Image.open(io.BytesIO(data)))
    drawn = coloured(picture)
    thirds = np.array_split(drawn[:640], 3, axis=1)
    assert all(third.any() for third in thirds)  # CT, fused, projection
    assert drawn[640:].any()  # swatch of the legend
    alone = np.asarray(Image.open(io.BytesIO(render_case_overlay(ct(), None, regions()))))
    assert alone.shape[1] < picture.shape[1]


def test_volume_counts_voxels() -> None:
    voxels = 7 * 8 + 2 * 5 * 7
    assert volume_ml(regions(), segment()) == pytest.approx(voxels * 16 / 1000)


def test_segments_have_colours_that_repeat() -> None:
    assert colour_of(1) == colour_of(1 + len(PALETTE)) != colour_of(2)
