"""Response maps beside those of mirp, which matches the IBSI's references too, on images of noise."""

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.lab.oracles.mirp_filters import mirp_response
from lucidray.quantify.filters import FilterSpec, response
from lucidray.quantify.filters.specs import Gabor, LaplacianOfGaussian, Laws, Mean, Riesz, Simoncelli, Wavelet

ISOTROPIC = (1.5, 1.5, 1.5)
FILTERS: list[FilterSpec] = [
    Mean(support=5),
    Mean(support=3, volumetric=False, boundary="nearest"),
    LaplacianOfGaussian(sigma=2),
    LaplacianOfGaussian(sigma=2, volumetric=False, boundary="zero"),
    LaplacianOfGaussian(sigma=2, boundary="periodic"),
    Laws(kernels="L5E5S5"),
    Laws(kernels="E3W5R5", pooling="max"),
    Laws(kernels="S3L3E3", pooling="mean"),
    Laws(kernels="L5E5E5", pooling="max", energy=3),
    Laws(kernels="W5R5", volumetric=False, pooling="max", energy=2),
    Laws(kernels="L5S5", volumetric=False, pooling="mean"),
    Laws(kernels="E5E5", volumetric=False, energy=4),
    # mirp continues the image beyond its edge at every level, we do once: they agree where it repeats itself.
    Wavelet(family="db3", bands="LLH", pooling="mean", boundary="periodic"),
    Wavelet(family="db3", bands="HHH", level=2, pooling="mean", boundary="periodic"),
    Wavelet(family="coif1", bands="LHL", level=2, boundary="periodic"),
    Wavelet(family="haar", bands="HLH", level=3, pooling="max", boundary="periodic"),
    Wavelet(family="db2", bands="LH", volumetric=False, pooling="mean", boundary="periodic"),
    Wavelet(family="coif2", bands="HH", level=2, volumetric=False, pooling="max", boundary="periodic"),
    Wavelet(family="db4", bands="HL", volumetric=False),
    Gabor(sigma=1.5, wavelength=3, gamma=1.5, theta=30),
    Gabor(sigma=1.5, wavelength=3, step=45, orthogonal=True),
    Gabor(sigma=1.5, wavelength=3, gamma=2, theta=100, response="real"),
    Gabor(sigma=1.5, wavelength=3, gamma=1.2, theta=70, response="imaginary"),
]
# mirp swaps rows and slices of the frequency grid of these, which only a cube hides.
OF_CUBES: list[FilterSpec] = [
    Simoncelli(level=1),
    Simoncelli(level=2),
    Simoncelli(level=1, volumetric=False),
    Simoncelli(level=1, riesz=Riesz(order=(1, 0, 0))),
    Simoncelli(level=2, riesz=Riesz(order=(0, 1, 1))),
]


@pytest.mark.parametrize("spec", FILTERS + OF_CUBES, ids=lambda each: each.label)
def test_a_map_equals_that_of_mirp(noise: npt.NDArray[np.float64], spec: FilterSpec) -> None:
    pytest.importorskip("mirp", reason="needs mirp as the oracle")
    image = noise if spec in FILTERS else np.random.default_rng(3).normal(100, 20, (20, 20, 20))
    wanted = mirp_response(image, ISOTROPIC, spec)
    np.testing.assert_allclose(response(image, ISOTROPIC, spec), wanted, rtol=1e-6, atol=1e-8 * np.ptp(image))
