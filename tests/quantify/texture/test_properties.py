"""What must not change a feature, and what must change it how: for any region."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lucidray.quantify.engine import compute
from lucidray.quantify.ibsi import INTENSITY_AND_TEXTURE, TEXTURE
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation, Weighting
from lucidray.quantify.region import Region

ANY = Measurement(
    role="MR",
    modality="MR",
    unit="1",
    discretisation=Discretisation(method="fixed_bin_number", value=6),
    aggregation="3D:mrg",
    families=list(INTENSITY_AND_TEXTURE),
)
IMAGES = arrays(np.int64, st.tuples(*[st.integers(2, 5)] * 3), elements=st.integers(-20, 20))
QUICK = settings(max_examples=40, deadline=None, derandomize=True)


def measured(voxels: npt.NDArray[Any], measurement: Measurement = ANY) -> dict[tuple[str, str], float | None]:
    """Features of the voxels above -15, so that regions have holes and parts; by family and name."""
    mask = voxels > -15
    region = Region(voxels.astype(np.float64), mask, mask, (1.0, 1.0, 1.0))
    return {(each.family, each.name): each.value for each in compute(region, measurement, 1)}


def same(first: dict[tuple[str, str], float | None], second: dict[tuple[str, str], float | None]) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert second[name] == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)), name


@QUICK
@given(IMAGES, st.tuples(*[st.integers(0, 3)] * 6))
def test_translation_changes_not_a_bit(voxels: npt.NDArray[np.int64], around: tuple[int, ...]) -> None:
    padding = [(around[2 * axis], around[2 * axis + 1]) for axis in range(3)]
    assert measured(np.pad(voxels, padding, constant_values=-99)) == measured(voxels)


@QUICK
@given(IMAGES, st.permutations([0, 1, 2]), st.integers(0, 7))
def test_right_angles_change_nothing_in_three_dimensions(
    voxels: npt.NDArray[np.int64], axes: list[int], flips: int
) -> None:
    turned = np.flip(voxels.transpose(axes), tuple(axis for axis in range(3) if flips >> axis & 1))
    same(measured(np.ascontiguousarray(turned)), measured(voxels))


@QUICK
@given(IMAGES, st.integers(1, 500), st.sampled_from([0.5, 2.0, 8.0]))
def test_texture_of_a_number_of_bins_knows_no_unit(voxels: npt.NDArray[np.int64], shift: int, factor: float) -> None:
    """Factors are powers of two, for which scaling rounds nothing."""
    mask = voxels > -15
    plain = Region(voxels.astype(np.float64), mask, mask, (1.0, 1.0, 1.0))
    scaled = Region((voxels + shift).astype(np.float64) * factor, mask, mask, (1.0, 1.0, 1.0))
    textures = ANY.model_copy(update={"families": ["intensity_histogram", *TEXTURE]})
    assert compute(scaled, textures, 1) == compute(plain, textures, 1)


@QUICK
@given(IMAGES)
def test_statistics_scale_with_intensity(voxels: npt.NDArray[np.int64]) -> None:
    mask = voxels > -15
    statistics = ANY.model_copy(update={"families": ["intensity_statistics"]})

    def of(factor: float, shift: float) -> dict[str, float | None]:
        region = Region(voxels.astype(np.float64) * factor + shift, mask, mask, (1.0, 1.0, 1.0))
        return {each.name: each.value for each in compute(region, statistics, 1)}

    plain, scaled, shifted = of(1, 0), of(4, 0), of(1, 64)
    for name, value in plain.items():
        if value is None:
            continue
        power = {"intensity_variance": 2, "intensity_energy": 2}.get(name, 1)
        free = ("skewness", "kurtosis", "coefficient")
        expected = value if any(word in name for word in free) else value * 4**power
        assert scaled[name] == pytest.approx(expected, rel=1e-9, abs=1e-9), name
        if any(word in name for word in ("variance", "deviation", "range", "skewness", "kurtosis")):
            assert shifted[name] == pytest.approx(value, rel=1e-6, abs=1e-6), name


@QUICK
@given(IMAGES)
def test_one_slice_is_the_same_in_all_slicewise_methods(voxels: npt.NDArray[np.int64]) -> None:
    """Averaging one slice or merging it is all the same; with zones, also as a volume."""
    flat = voxels[:1]
    textures = ANY.model_copy(update={"families": list(TEXTURE)})
    merged = [measured(flat, textures.model_copy(update={"aggregation": each})) for each in ("2D:mrg", "2.5D:mrg")]
    same(*merged)
    averaged = [measured(flat, textures.model_copy(update={"aggregation": each})) for each in ("2D:avg", "2.5D:avg")]
    same(*averaged)


def test_weights_matter_only_where_directions_are_merged() -> None:
    rng = np.random.default_rng(3)
    voxels = rng.integers(0, 9, (4, 6, 7)).cumsum(axis=2) // 3

    def of(aggregation: str, weighting: Weighting) -> dict[tuple[str, str], float | None]:
        update = {"aggregation": aggregation, "families": ["glcm", "glrlm"]}
        parameters = {"glcm": ANY.glcm, "glrlm": ANY.glrlm}
        weighted = {name: each.model_copy(update={"weighting": weighting}) for name, each in parameters.items()}
        return measured(voxels, ANY.model_copy(update=update | weighted))

    gaussian, chebyshev = Weighting(function="gaussian"), Weighting(function="inverse", norm="chebyshev")
    same(of("3D:avg", gaussian), of("3D:avg", Weighting()))
    same(of("3D:mrg", chebyshev), of("3D:mrg", Weighting()))
    merged, weighted = of("3D:mrg", Weighting()), of("3D:mrg", gaussian)
    assert merged["glcm", "contrast"] != pytest.approx(weighted["glcm", "contrast"])
    assert merged["glrlm", "run_percentage"] != pytest.approx(weighted["glrlm", "run_percentage"])


SCRIPT = """
import numpy as np
from lucidray.quantify import extract
rng = np.random.default_rng(11)
image = rng.gamma(2.0, 3.0, (12, 13, 14)).cumsum(axis=0)
for each in extract(image, image > 20, "mr-1mm", spacing=(2.0, 1.3, 1.3)):
    print(each.ibsi_code, each.value if each.value is None else each.value.hex())
"""


def test_the_same_bits_at_any_number_of_threads() -> None:
    outputs = set()
    for threads in ("1", "3"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        command = [sys.executable, "-c", SCRIPT]
        outputs.add(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    (output,) = outputs
    assert len(output.splitlines()) > 160
    assert "None" not in output


def test_repetition_changes_not_a_bit() -> None:
    voxels = np.random.default_rng(5).integers(-20, 20, (6, 7, 8))
    assert measured(voxels) == measured(voxels)
