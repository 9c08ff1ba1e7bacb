"""Two images of one region, each on a grid of its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from lucidray.contracts.grid import Grid, Vector
from lucidray.contracts.images import Regions, Volume
from lucidray.contracts.results import Feature
from lucidray.imaging.geometry import to_patient
from lucidray.quantify import extract
from lucidray.quantify.hybrid.association import NAMES
from lucidray.quantify.hybrid.measure import FAMILY, measure_hybrid
from lucidray.quantify.hybrid.spec import Hybrid
from lucidray.quantify.preset import Preset, load_preset
from lucidray.quantify.region import EMPTY, OUTSIDE, VANISHED
from lucidray.quantify.step import measure

MakeVolume = Callable[..., Volume]
MakeRegions = Callable[..., Regions]

PET_SPACING, CT_SPACING, CT_ORIGIN = (3.0, 4.0, 4.0), (1.5, 2.0, 2.0), (-3.0, -5.0, -2.25)
HU = "[hnsf'U]"


def hybrid(**changes: Any) -> Hybrid:
    content: dict[str, Any] = {
        "roles": ["PET", "CT"],
        "spacing": [3, 3, 3],
        "scales": [{"low": 0, "high": 40}, {"low": -200, "high": 200}],
        "fusions": [{"kind": "weighted", "weight": 0.5}],
    }
    return Hybrid.model_validate(content | changes)


def values(features: list[Feature], filter_: str = "") -> dict[str, float]:
    return {each.name: each.value for each in features if each.filter == filter_ and each.value is not None}


def height(grid: Grid) -> npt.NDArray[np.float64]:
    """A ramp over the patient: 0.2 x + 0.1 y + 0.3 z, mm."""
    places = to_patient(grid, np.indices(grid.shape, np.float64).reshape(3, -1).T)
    return (places @ [0.2, 0.1, 0.3]).reshape(grid.shape)


@pytest.fixture
def pet(make_volume: MakeVolume) -> Volume:
    volume = make_volume(np.zeros((16, 24, 30)), PET_SPACING)
    return make_volume(height(volume.grid), PET_SPACING)


@pytest.fixture
def ct(make_volume: MakeVolume) -> Volume:
    """The same ramp, steeper and upside down, on finer voxels that start elsewhere."""
    volume = make_volume(np.zeros((36, 52, 66)), CT_SPACING, CT_ORIGIN)
    return Volume((-4 * height(volume.grid)).astype(np.float32), volume.facts.model_copy(update={"modality": "CT"}))


@pytest.fixture
def mask(pet: Volume) -> npt.NDArray[np.bool_]:
    inside = np.zeros(pet.grid.shape, np.bool_)
    inside[4:12, 6:18, 8:22] = True
    return inside


def test_a_place_in_the_patient_is_one_voxel_of_both(pet: Volume, ct: Volume, mask: npt.NDArray[np.bool_]) -> None:
    """Linear interpolation keeps ramps: a shift of a single voxel between the grids would show."""
    found = measure_hybrid(hybrid(), {"PET": pet, "CT": ct}, mask, pet.grid, 1)
    association = values([each for each in found.features if each.family == FAMILY])
    assert list(association) == list(NAMES)
    assert association["pearson_correlation"] == pytest.approx(-1, abs=1e-6)
    assert association["spearman_rank_correlation"] == pytest.approx(-1, abs=1e-3)  # ties
    assert found.uncovered == 0
    # PET / 40 and (200 - 4 PET) / 400: half of the sum is a quarter plus PET (1/80 - 1/200).
    fused = values(found.features, "weighted 0.5")
    inside = height(pet.grid)[mask]
    assert fused["mean_intensity"] == pytest.approx(0.25 + inside.mean() * (1 / 80 - 1 / 200), abs=1e-3)
    assert {(each.image_role, each.segment) for each in found.features} == {("PET+CT", 1)}


def test_the_same_twice_to_the_bit(pet: Volume, ct: Volume, mask: npt.NDArray[np.bool_]) -> None:
    one, other = (measure_hybrid(hybrid(), {"PET": pet, "CT": ct}, mask, pet.grid, 1) for _ in range(2))
    assert one == other


def test_voxels_that_one_image_lacks_do_not_count(
    pet: Volume, make_volume: MakeVolume, mask: npt.NDArray[np.bool_]
) -> None:
    """A CT that ends in the middle of the lesion."""
    short = make_volume(np.zeros((36, 52, 34)), CT_SPACING, (-3.0, -5.0, -2.25))
    short = Volume((-4 * height(short.grid)).astype(np.float32), short.facts)
    found = measure_hybrid(hybrid(), {"PET": pet, "CT": short}, mask, pet.grid, 1)
    assert values(found.features)["pearson_correlation"] == pytest.approx(-1, abs=1e-6)
    assert found.uncovered == pytest.approx(0.4, abs=0.1)


@pytest.mark.parametrize(
    ("origin", "frame", "reason"),
    [((500.0, 0.0, 0.0), "", "covered by both PET and CT"), (CT_ORIGIN, "2.25.8", "different frames of reference")],
)
def test_without_a_common_voxel_all_is_undefined_with_the_reason(
    pet: Volume,
    make_volume: MakeVolume,
    mask: npt.NDArray[np.bool_],
    origin: Vector,
    frame: str,
    reason: str,
) -> None:
    away = make_volume(np.ones((36, 52, 66)), CT_SPACING, origin, "CT", HU)
    grids = [each.grid.model_copy(update={"frame_of_reference_uid": uid}) for each, uid in ((away, frame), (pet, "2"))]
    volumes = [
        Volume(each.voxels, each.facts.model_copy(update={"grid": grid}))
        for each, grid in zip((away, pet), grids, strict=True)
    ]
    found = measure_hybrid(hybrid(), {"CT": volumes[0], "PET": volumes[1]}, mask, pet.grid, 1)
    assert {each.filter for each in found.features} == {"", "weighted 0.5"}
    assert all(each.value is None and reason in each.reason for each in found.features)


def test_a_region_that_is_not_there_has_the_reasons_of_every_measurement(
    pet: Volume, ct: Volume, mask: npt.NDArray[np.bool_]
) -> None:
    volumes, speck = {"PET": pet, "CT": ct}, np.zeros_like(mask)
    away = pet.grid.model_copy(update={"origin": (900.0, 0.0, 0.0)})
    coarse = hybrid().model_copy(update={"spacing": (11.0, 11.0, 11.0)})
    speck[8, 9, 9] = True
    for pair, region, grid, reason in (
        (hybrid(), np.zeros_like(mask), pet.grid, EMPTY),
        (hybrid(), mask, away, OUTSIDE),
        (coarse, speck, pet.grid, VANISHED),
    ):
        features = measure_hybrid(pair, volumes, region, grid, 1).features
        assert {(each.value, each.reason) for each in features} == {(None, reason.reason)}


def test_percentiles_make_the_scale_of_an_image_without_a_unit(
    pet: Volume, ct: Volume, mask: npt.NDArray[np.bool_]
) -> None:
    scales = [{"low": 0, "high": 100, "of": "percentile"}] * 2
    noise = np.random.default_rng(2).normal(size=ct.voxels.shape).astype(np.float32)  # else ties flip between bins
    ct = Volume(ct.voxels + 20 * noise, ct.facts)
    stretched = Volume((ct.voxels * np.float32(3) + 77).astype(np.float32), ct.facts)
    one, other = (
        measure_hybrid(hybrid(scales=scales), {"PET": pet, "CT": each}, mask, pet.grid, 1).features
        for each in (ct, stretched)
    )
    assert values(other) == pytest.approx(values(one), rel=1e-3)
    assert values(other, "weighted 0.5")["intensity_range"] == pytest.approx(
        values(one, "weighted 0.5")["intensity_range"], rel=1e-3
    )
    flat = Volume(np.ones_like(ct.voxels), ct.facts)
    found = measure_hybrid(hybrid(scales=scales), {"PET": pet, "CT": flat}, mask, pet.grid, 1)
    assert all("constant in the region" in each.reason for each in found.features)


def test_the_service_and_the_notebook_say_the_same(
    pet: Volume, make_volume: MakeVolume, make_regions: MakeRegions, mask: npt.NDArray[np.bool_]
) -> None:
    ct = make_volume(np.random.default_rng(1).integers(-100, 200, (36, 52, 66)), CT_SPACING, CT_ORIGIN, "CT", HU)
    preset = load_preset("pet-ct-hybrid")
    regions = make_regions(mask.astype(np.uint8), pet.grid)
    served = [each for part in measure(preset, {"PET": pet, "CT": ct}, regions) for each in part.features]
    assert served == extract({"PET": pet, "CT": ct}, mask, preset, mask_grid=pet.grid)
    assert {each.filter for each in served} == {"", "weighted 0.5", "wavelet coif1 low 0.5 high largest"}
    assert all(each.value is not None for each in served if each.image_role == "PET+CT")


def test_the_step_tells_how_much_of_the_region_is_left_out(
    pet: Volume, make_volume: MakeVolume, make_regions: MakeRegions, mask: npt.NDArray[np.bool_]
) -> None:
    short = make_volume(np.ones((36, 52, 34)), CT_SPACING, CT_ORIGIN, "CT", HU)
    regions = make_regions(mask.astype(np.uint8), pet.grid)
    *_, together = measure(load_preset("pet-ct-hybrid"), {"PET": pet, "CT": short}, regions)
    assert any("of the region's voxels are left out" in flag.message for flag in together.remarks)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roles": ["PET", "PET"]}, "two different images"),
        ({"scales": [{"low": 3, "high": 3}, {"low": 0, "high": 1}]}, "low must be below high"),
        ({"scales": [{"low": 3, "high": 200, "of": "percentile"}, {"low": 0, "high": 1}]}, "between 0 and 100"),
        ({"fusions": [{"kind": "weighted"}, {"kind": "weighted"}]}, "named twice"),
        ({"families": ["glcm"]}, "need a discretisation"),
        ({"families": ["morphology"]}, "not measured in fused images: morphology"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        hybrid(**changes)


def test_a_hybrid_needs_measurements_of_both_images() -> None:
    content = load_preset("pet-ct-hybrid").model_dump(exclude_unset=True)
    with pytest.raises(ValidationError, match="without a measurement"):
        Preset.model_validate(content | {"measurements": content["measurements"][:1]})
