"""What holds for every family beyond the standard."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from threadpoolctl import threadpool_limits

from lucidray.quantify import extract, ibsi
from lucidray.quantify.catalogue import features
from lucidray.quantify.higher.definitions import HigherFamily, definitions
from lucidray.quantify.higher.families import HIGHER
from lucidray.quantify.preset import Preset
from lucidray.quantify.region import Region
from lucidray.quantify.values import Undefined, Values

MakeRegion = Callable[..., Region]
Ragged = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]
families = pytest.mark.parametrize("family", HIGHER)
# Patterns in slices turn in their slices alone; the axis of a gradient is that of the patient.
IN_SLICES, NEVER = ("lbp2_",), ("grad_hog_",)


def measured(family: HigherFamily, region: Region) -> Values:
    wanted = frozenset(name for name, each in definitions().items() if each.family == family)
    found = HIGHER[family](region, wanted)
    assert found.keys() == wanted
    return found


def numbers(family: HigherFamily, region: Region) -> dict[str, float]:
    found = measured(family, region)
    assert not any(isinstance(value, Undefined) for value in found.values()), found
    return {name: value for name, value in found.items() if isinstance(value, float)}


def test_every_feature_says_what_it_is() -> None:
    for each in definitions().values():
        assert each.name and each.formula and each.source and each.meaning.endswith(".")
        assert each.unit("[hnsf'U]") and each.code == ""
    assert {each.family for each in definitions().values()} == set(HIGHER)


def test_names_are_unlike_those_of_the_standard() -> None:
    assert len(features()) == len(definitions()) + len(ibsi.definitions())
    assert not {each.name for each in definitions().values()} & {each.name for each in ibsi.definitions().values()}
    assert len({each.name for each in definitions().values()}) == len(definitions())


@families
def test_what_surrounds_the_region_does_not_matter(
    family: HigherFamily, make_region: MakeRegion, ragged: Ragged
) -> None:
    image, mask = ragged
    strange = np.where(mask, image, -1e6)
    assert numbers(family, make_region(image, mask)) == numbers(family, make_region(strange, mask))


@families
def test_a_shifted_region_is_the_same(family: HigherFamily, make_region: MakeRegion, ragged: Ragged) -> None:
    image, mask = ragged
    moved = numbers(family, make_region(np.roll(image, (1, -2, 3), (0, 1, 2)), np.roll(mask, (1, -2, 3), (0, 1, 2))))
    assert moved == pytest.approx(numbers(family, make_region(image, mask)), rel=1e-9)


@families
@pytest.mark.parametrize("plane", [(1, 2), (0, 1), (0, 2)])
def test_a_turned_region_is_the_same(
    family: HigherFamily, plane: tuple[int, int], make_region: MakeRegion, ragged: Ragged
) -> None:
    image, mask = ragged
    plain = numbers(family, make_region(image, mask))
    turned = numbers(family, make_region(np.rot90(image, 1, plane), np.rot90(mask, 1, plane)))
    unsteady = (*NEVER, *(IN_SLICES if 0 in plane else ()))
    same = {name: value for name, value in plain.items() if not name.startswith(unsteady)}
    assert same == pytest.approx({name: turned[name] for name in same}, rel=1e-9, abs=1e-12)


@families
def test_brighter_and_stronger_changes_what_has_the_unit_of_intensity_alone(
    family: HigherFamily, make_region: MakeRegion, ragged: Ragged
) -> None:
    image, mask = ragged
    plain, louder = (numbers(family, make_region(each, mask)) for each in (image, 3 * image + 50))
    for name, value in plain.items():
        factor = 3 if "intensity" in definitions()[name].quantity else 1
        assert louder[name] == pytest.approx(factor * value, rel=1e-9), name


@families
def test_larger_voxels_change_what_has_a_unit_of_length_alone(
    family: HigherFamily, make_region: MakeRegion, ragged: Ragged
) -> None:
    image, mask = ragged
    powers = {"length": 1, "area": 2, "volume": 3, "per_length": -1, "intensity_per_length": -1, "none": 0}
    small, large = (numbers(family, make_region(image, mask, (side,) * 3)) for side in (1.0, 2.0))
    for name, value in small.items():
        assert large[name] == pytest.approx(2.0 ** powers[definitions()[name].quantity] * value, rel=1e-9), name


@families
def test_a_voxel_a_slice_a_flat_or_an_empty_region_has_reasons(family: HigherFamily, make_region: MakeRegion) -> None:
    noise = np.random.default_rng(13).normal(size=(20, 20, 20))
    one, none, plane = (np.zeros(noise.shape, bool) for _ in range(3))
    one[5, 5, 5] = plane[5] = True
    for region in (
        make_region(noise, one),
        make_region(noise, none),
        make_region(noise, plane),
        make_region(np.ones(noise.shape)),
        make_region(np.full(noise.shape, np.nan)),
    ):
        for name, value in measured(family, region).items():
            assert value.reason if isinstance(value, Undefined) else np.isfinite(value), name


@families
def test_threads_change_no_bit(family: HigherFamily, make_region: MakeRegion, ragged: Ragged) -> None:
    region = make_region(*ragged)
    with threadpool_limits(1):
        alone = numbers(family, region)
    with threadpool_limits(4):
        assert numbers(family, region) == alone


def test_the_engine_measures_them_by_name(ragged: Ragged) -> None:
    image, mask = ragged
    wanted = {"role": "CT", "modality": "CT", "unit": "[hnsf'U]", "families": list(HIGHER)}
    preset = Preset.model_validate({"name": "mine", "title": "A test", "measurements": [wanted]})
    found = extract(image, mask, preset, spacing=(2, 2, 2))
    assert [each.name for each in found] == [each.name for each in definitions().values()]
    assert {each.ibsi_code for each in found} == {each.family_code for each in found} == {""}
    volume = next(each for each in found if each.name == "minkowski_volume")
    assert (volume.value, volume.unit) == (8 * mask.sum(), "mm3")
    nowhere = extract(image, np.arange(image.size).reshape(image.shape) == 0, preset)
    assert all(each.reason for each in nowhere if each.value is None)
    assert sum(each.value is None for each in nowhere) > 30


def test_shape_is_measured_where_no_intensity_counts(ragged: Ragged) -> None:
    image, mask = ragged
    wanted = {
        "role": "CT",
        "modality": "CT",
        "unit": "[hnsf'U]",
        "families": list(HIGHER),
        "intensity_range": [1e5, None],
    }
    preset = Preset.model_validate({"name": "mine", "title": "A test", "measurements": [wanted]})
    found = {each.name: each for each in extract(image, mask, preset)}
    assert found["minkowski_volume"].value == mask.sum()
    assert found["fractal_dimension_box_counting"].value is not None
    assert found["gradient_magnitude_mean"].value is None
