"""Images whose response is known by formula."""

from math import cos, pi, radians, sin

import numpy as np
import numpy.typing as npt
import pytest
import pywt

from lucidray.quantify.filters import FilterSpec, response
from lucidray.quantify.filters.boundary import Boundary
from lucidray.quantify.filters.specs import Gabor, LaplacianOfGaussian, Laws, Mean, Riesz, Simoncelli, Wavelet

Array = npt.NDArray[np.float64]
UNIT = (1.0, 1.0, 1.0)
SIZE = 32
INNER = (slice(10, 22),) * 3


def wave(cycles: tuple[float, float, float], size: int = SIZE) -> tuple[Array, Array]:
    """Cosine and sine of a plane wave with so many cycles along (z, y, x) in the image."""
    places = np.meshgrid(*[np.arange(size)] * 3, indexing="ij")
    phase = sum(2 * pi * count * place / size for count, place in zip(cycles, places, strict=True))
    return np.cos(phase), np.sin(phase)


def test_a_mean_leaves_a_ramp_as_it_is() -> None:
    ramp = np.arange(SIZE**3, dtype=float).reshape(SIZE, SIZE, SIZE)
    np.testing.assert_allclose(response(ramp, UNIT, Mean(support=7))[INNER], ramp[INNER])


@pytest.mark.parametrize("volumetric", [True, False])
def test_laplacian_of_gaussian_of_a_wave_is_the_wave_times_its_spectrum(volumetric: bool) -> None:
    cycles, sigma = (2.0, 3.0, 1.0), 1.5
    squared = sum((2 * pi * each / SIZE) ** 2 for each in cycles[0 if volumetric else 1 :])
    image = wave(cycles)[0]
    spec = LaplacianOfGaussian(sigma=sigma, truncation=8, volumetric=volumetric, boundary="periodic")
    np.testing.assert_allclose(
        response(image, UNIT, spec), -squared * np.exp(-squared * sigma**2 / 2) * image, atol=1e-6
    )


def test_lengths_are_millimetres(noise: Array) -> None:
    narrow, wide = LaplacianOfGaussian(sigma=1.5), LaplacianOfGaussian(sigma=3)
    np.testing.assert_array_equal(response(noise, UNIT, narrow), response(noise, (2, 2, 2), wide))
    thin, thick = Gabor(sigma=1.5, wavelength=4), Gabor(sigma=3, wavelength=8)
    np.testing.assert_array_equal(response(noise, UNIT, thin), response(noise, (2, 2, 2), thick))


def test_laws_kernels_but_level_ignore_what_is_constant() -> None:
    image = np.full((12, 12, 12), 7.0)
    for kernels in ("E5L5L5", "L3S3L3", "L5L5W5", "R5L5L5"):
        np.testing.assert_allclose(response(image, UNIT, Laws(kernels=kernels)), 0, atol=1e-12)
    level = 7 * (16 / 70**0.5) ** 3  # sum of L5 over its norm
    np.testing.assert_allclose(response(image, UNIT, Laws(kernels="L5L5L5")), level)


def test_the_first_letter_acts_along_columns() -> None:
    ramp = np.broadcast_to(np.arange(16.0), (16, 16, 16))
    assert abs(response(ramp, UNIT, Laws(kernels="E5L5L5"))[8, 8, 8]) > 1
    for kernels in ("L5E5L5", "L5L5E5"):
        assert response(ramp, UNIT, Laws(kernels=kernels))[8, 8, 8] == pytest.approx(0, abs=1e-9)
    high = response(np.swapaxes(ramp, 0, 2) ** 2, UNIT, Wavelet(family="haar", bands="LLH"))
    assert abs(high[8, 8, 8]) > 1


def test_the_energy_is_the_mean_of_absolute_responses(noise: Array) -> None:
    plain = response(noise, UNIT, Laws(kernels="E5L5S5"))
    energy = response(noise, UNIT, Laws(kernels="E5L5S5", energy=2))
    assert energy[8, 10, 9] == pytest.approx(np.abs(plain[6:11, 8:13, 7:12]).mean())


@pytest.mark.parametrize("theta", [0.0, 30.0, 90.0, 225.0])
def test_a_gabor_kernel_answers_to_its_own_wave(theta: float) -> None:
    """The modulus of a wave of the kernel's own direction and length is half the envelope's sum."""
    sigma, wavelength, gamma = 3.0, 5.0, 0.7
    y, x = np.mgrid[:64, :64]
    along = x * cos(radians(theta)) + y * sin(radians(theta))
    image = np.cos(2 * pi * along / wavelength)[None]
    found = response(image, UNIT, Gabor(sigma=sigma, wavelength=wavelength, gamma=gamma, theta=theta))
    half = 2 * pi * sigma**2 / gamma / 2
    np.testing.assert_allclose(found[0, 28:36, 28:36], half, rtol=2e-3)
    across = response(image, UNIT, Gabor(sigma=sigma, wavelength=wavelength, gamma=gamma, theta=theta + 90))
    assert across[0, 32, 32] < half / 100


def test_a_mean_over_directions_is_the_mean_of_each(noise: Array) -> None:
    each = [response(noise, UNIT, Gabor(sigma=2, wavelength=3, gamma=2, theta=theta)) for theta in range(0, 360, 45)]
    pooled = response(noise, UNIT, Gabor(sigma=2, wavelength=3, gamma=2, step=45))
    np.testing.assert_allclose(pooled, np.mean(each, axis=0))
    greatest = response(noise, UNIT, Gabor(sigma=2, wavelength=3, gamma=2, step=45, pooling="max"))
    np.testing.assert_allclose(greatest, np.max(each, axis=0))


@pytest.mark.parametrize("family", ["haar", "db2", "db5", "coif1", "coif3"])
@pytest.mark.parametrize("level", [1, 2])
def test_wavelet_bands_share_the_energy_of_the_image(family: str, level: int) -> None:
    """Parseval: the undecimated bands of one level hold the energy 8 times that of the level before."""
    image = np.random.default_rng(5).normal(size=(16, 16, 16))
    bands = [f"{x}{y}{z}" for x in "LH" for y in "LH" for z in "LH"]
    maps = [response(image, UNIT, _periodic(family, each, level)) for each in bands]
    before = image if level == 1 else response(image, UNIT, _periodic(family, "LLL", 1))
    assert sum(np.square(each).sum() for each in maps) == pytest.approx(8 * np.square(before).sum())


def _periodic(family: str, bands: str, level: int, decimated: bool = False) -> Wavelet:
    return Wavelet(family=family, bands=bands, level=level, boundary="periodic", decimated=decimated)


def test_decimated_bands_are_an_orthonormal_transform() -> None:
    """Each sample stands for a block of 8 voxels, so that the maps hold 8 times the energy of the transform."""
    image = np.random.default_rng(6).normal(size=(16, 16, 16))
    bands = [f"{x}{y}{z}" for x in "LH" for y in "LH" for z in "LH"]
    maps = [response(image, UNIT, _periodic("db3", each, 1, decimated=True)) for each in bands]
    assert sum(np.square(each).sum() for each in maps) == pytest.approx(8 * np.square(image).sum())
    coarse = response(image, UNIT, _periodic("haar", "LLL", 2, decimated=True))
    block = image[:4, :4, :4].sum() / 8  # twice 2^-3/2
    np.testing.assert_allclose(coarse[:4, :4, :4], block)


def test_simoncelli_bands_share_the_energy_of_the_frequencies_they_cover() -> None:
    """Squares of neighbouring bands add to one between their peaks."""
    image = wave((0, 0, 3), 33)[0]  # 3 / 16 of the Nyquist frequency on the IBSI's grid: between levels 2 and 3
    energy = sum(np.square(response(image, UNIT, Simoncelli(level=level))).sum() for level in (1, 2, 3, 4))
    assert energy == pytest.approx(np.square(image).sum())


BANDS: list[FilterSpec] = [LaplacianOfGaussian(sigma=1.2, boundary="periodic"), Simoncelli(level=2)]


@pytest.mark.parametrize("base", BANDS, ids=["log", "simoncelli"])
@pytest.mark.parametrize("order", [(1, 0, 0), (0, 0, 1), (0, 2, 0), (1, 1, 0), (2, 0, 1)])
def test_a_riesz_transform_of_a_wave_turns_its_phase(base: FilterSpec, order: tuple[int, int, int]) -> None:
    """(-i)^L sqrt(L!/l!) times the powers of the direction's cosines, of a size with a sample at frequency 0."""
    cycles = (3.0, 4.0, 2.0)
    cosine, sine = wave(cycles, 33)
    plain = response(cosine, UNIT, base)
    amplitude = (plain * cosine).mean() / np.square(cosine).mean()
    direction = np.array(cycles[::-1]) / np.linalg.norm(cycles)
    weight = {(1, 1, 0): 2**0.5, (2, 0, 1): 3**0.5}.get(order, 1.0) * np.prod(direction**order)
    turned = {1: sine, 2: -cosine, 3: -sine}[sum(order)]
    spec = base.model_copy(update={"riesz": Riesz(order=order)})
    found = response(cosine, UNIT, spec)
    if isinstance(base, LaplacianOfGaussian):  # padded: the far field of the transform sees the edge
        inner = (slice(12, 21),) * 3
        np.testing.assert_allclose(found[inner], amplitude * weight * turned[inner], atol=0.1 * abs(amplitude))
    else:
        np.testing.assert_allclose(found, amplitude * weight * turned, atol=1e-9)


@pytest.mark.parametrize("cycles", [(4.0, 3.0, 2.0), (0.0, 5.0, 0.0), (-3.0, 2.0, 5.0)])
def test_steered_along_the_wave_its_full_amplitude_comes_out_in_any_direction(
    cycles: tuple[float, float, float],
) -> None:
    cosine, sine = wave(cycles, 33)
    amplitude = np.abs(response(cosine, UNIT, Simoncelli(level=2))).max() / np.abs(cosine).max()
    steered = response(cosine, UNIT, Simoncelli(level=2, riesz=Riesz(order=(2, 0, 0), steering=2)))
    np.testing.assert_allclose(steered, -amplitude * cosine, atol=0.02 * amplitude)
    first = response(cosine, UNIT, Simoncelli(level=2, riesz=Riesz(order=(1, 0, 0), steering=2)))
    np.testing.assert_allclose(first, amplitude * np.abs(sine), atol=0.02 * amplitude)
    second = response(cosine, UNIT, Simoncelli(level=2, riesz=Riesz(order=(0, 2, 0), steering=2)))
    np.testing.assert_allclose(second, 0, atol=0.02 * amplitude)


def test_steering_works_slice_by_slice_too() -> None:
    """Waves of another direction in each slice."""
    slices = [wave((0, *cycles), 33) for cycles in ((4.0, 0.0), (3.0, 4.0), (-2.0, 5.0))]
    cosine = np.stack([each[0] for each, _ in slices])
    spec = Simoncelli(level=2, volumetric=False)
    amplitudes = np.abs(response(cosine, UNIT, spec)).max(axis=(1, 2), keepdims=True)
    steered = response(cosine, UNIT, spec.model_copy(update={"riesz": Riesz(order=(2, 0), steering=2)}))
    np.testing.assert_allclose(steered / amplitudes, -cosine, atol=0.02)


PERIODIC: Boundary = "periodic"
INVARIANT: list[FilterSpec] = [
    Mean(support=3, boundary=PERIODIC),
    LaplacianOfGaussian(sigma=1.2),
    Laws(kernels="E5L5S5", pooling="max"),
    Laws(kernels="E3W5R5", pooling="max", energy=2),
    Wavelet(family="db3", bands="LLH", pooling="mean"),
    Wavelet(family="coif1", bands="HHL", level=2, pooling="max"),
    Simoncelli(level=1),
    Simoncelli(level=1, riesz=Riesz(order=(2, 0, 0), steering=1.5)),
    LaplacianOfGaussian(sigma=1.2, riesz=Riesz(order=(0, 1, 0), steering=1.5)),
    Gabor(sigma=1.5, wavelength=3, gamma=1.5, step=90, orthogonal=True),
]


@pytest.mark.parametrize("spec", INVARIANT, ids=lambda each: each.label)
def test_pooled_and_steered_maps_turn_with_the_image(spec: FilterSpec) -> None:
    image = np.random.default_rng(7).normal(size=(15, 15, 15))
    plain = response(image, UNIT, spec)
    for axes in ((0, 1), (1, 2), (0, 2)):
        turned = response(np.rot90(image, 1, axes), UNIT, spec)
        np.testing.assert_allclose(turned, np.rot90(plain, 1, axes), atol=1e-9)


@pytest.mark.parametrize(("family", "level"), [("haar", 1), ("db3", 1), ("coif1", 2)])
def test_undecimated_bands_are_those_of_pywavelets(family: str, level: int) -> None:
    image = np.random.default_rng(8).normal(size=(16, 16, 16))
    coarsest = pywt.swtn(image, family, level)[0]
    for bands in ("LLL", "LLH", "LHL", "HLL", "LHH", "HLH", "HHL", "HHH"):
        key = "".join({"L": "a", "H": "d"}[letter] for letter in reversed(bands))
        np.testing.assert_allclose(response(image, UNIT, _periodic(family, bands, level)), coarsest[key], atol=1e-12)


@pytest.mark.parametrize("family", ["haar", "db3", "coif1"])
def test_decimated_bands_are_those_of_pywavelets(family: str) -> None:
    image = np.random.default_rng(8).normal(size=(16, 16, 16))
    bands = pywt.dwtn(image, family, mode="periodization")
    found = response(image, UNIT, _periodic(family, "HLH", 1, decimated=True))
    np.testing.assert_allclose(found[::2, ::2, ::2], bands["dad"], atol=1e-12)
