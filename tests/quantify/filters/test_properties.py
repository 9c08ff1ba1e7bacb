"""What holds for filters whatever the image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidray.quantify.filters import FilterSpec, response
from lucidray.quantify.filters.specs import Gabor, LaplacianOfGaussian, Laws, Mean, Riesz, Simoncelli, Wavelet

UNIT = (1.0, 1.0, 1.0)
LINEAR: list[FilterSpec] = [
    Mean(support=3, boundary="periodic"),
    LaplacianOfGaussian(sigma=1, boundary="periodic"),
    LaplacianOfGaussian(sigma=1, boundary="periodic", volumetric=False),
    Laws(kernels="E5L5S5", boundary="periodic"),
    Laws(kernels="E3W5R5", boundary="periodic", pooling="mean"),
    Wavelet(family="db3", bands="LHH", level=2, boundary="periodic", pooling="mean"),
    Gabor(sigma=1, wavelength=3, boundary="periodic", response="real", step=60, orthogonal=True),
    Simoncelli(level=1),
    Simoncelli(level=2, riesz=Riesz(order=(1, 0, 2))),
]
NOT_LINEAR: list[FilterSpec] = [
    Laws(kernels="L5E5E5", boundary="periodic", pooling="max", energy=2),
    Wavelet(family="coif1", bands="HHL", boundary="periodic", pooling="max"),
    Gabor(sigma=1, wavelength=3, boundary="periodic", step=45, pooling="max"),
    Simoncelli(level=1, riesz=Riesz(order=(1, 1, 0), steering=1.5)),
]
shapes = st.tuples(*[st.integers(5, 12)] * 3)
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("spec", LINEAR, ids=lambda each: each.label)
@settings(max_examples=8, deadline=None)
@given(shape=shapes, seed=seeds, factor=st.floats(-1e3, 1e3))
def test_sums_and_multiples_go_through(spec: FilterSpec, shape: tuple[int, int, int], seed: int, factor: float) -> None:
    one, two = np.random.default_rng(seed).normal(size=(2, *shape))
    together = response(factor * one + two, UNIT, spec)
    apart = factor * response(one, UNIT, spec) + response(two, UNIT, spec)
    np.testing.assert_allclose(together, apart, atol=1e-9 * (1 + abs(factor)))


@pytest.mark.parametrize("spec", LINEAR + NOT_LINEAR, ids=lambda each: each.label)
@settings(max_examples=8, deadline=None)
@given(shape=shapes, seed=seeds, shift=st.tuples(*[st.integers(-5, 5)] * 3))
def test_a_shifted_image_has_a_shifted_map(
    spec: FilterSpec, shape: tuple[int, int, int], seed: int, shift: tuple[int, int, int]
) -> None:
    image = np.random.default_rng(seed).normal(size=shape)
    moved = response(np.roll(image, shift, (0, 1, 2)), UNIT, spec)
    np.testing.assert_allclose(moved, np.roll(response(image, UNIT, spec), shift, (0, 1, 2)), atol=1e-7)
