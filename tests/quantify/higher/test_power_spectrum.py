"""Noise of known colour."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy import fft

from lucidray.quantify.higher.definitions import definitions
from lucidray.quantify.higher.power_spectrum import measure, radial_power
from lucidray.quantify.region import Region

MakeRegion = Callable[..., Region]
WANTED = frozenset(name for name, each in definitions().items() if each.family == "power_spectrum")


def coloured(exponent: float, size: int = 64) -> npt.NDArray[np.float64]:
    """Noise whose power falls as frequency to the -exponent, cut from a larger field so that it does not repeat."""
    rng = np.random.default_rng(21)
    frequency = np.sqrt(sum(np.square(each) for each in np.ix_(*[fft.fftfreq(size + 16)] * 3)))
    frequency[0, 0, 0] = np.inf
    spectrum = fft.fftn(rng.normal(size=frequency.shape)) * frequency ** (-exponent / 2)
    field: npt.NDArray[np.float64] = np.real(fft.ifftn(spectrum))[:size, :size, :size]
    return field


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_the_slope_is_the_colour_of_the_noise(exponent: float, make_region: MakeRegion) -> None:
    found = measure(make_region(coloured(exponent)), WANTED)
    assert found["spec_slope"] == pytest.approx(-exponent, abs=0.15)


def test_a_ball_of_noise_has_the_slope_of_a_cube_of_it(make_region: MakeRegion) -> None:
    ball = np.square(np.indices((64, 64, 64)) - 31.5).sum(axis=0) <= 31**2
    assert measure(make_region(coloured(2), ball), WANTED)["spec_slope"] == pytest.approx(-2, abs=0.3)


def test_a_wave_has_its_frequency_per_mm_and_its_band(make_region: MakeRegion) -> None:
    place = np.indices((32, 32, 32))[2]
    for cycles, band in ((3, "low"), (6, "middle"), (12, "high")):
        region = make_region(np.sin(2 * np.pi * cycles / 32 * place), spacing=(2, 2, 2))
        found = measure(region, WANTED)
        assert found["spec_centroid"] == pytest.approx(cycles / 64, rel=0.05)
        assert found[f"spec_{band}"] == pytest.approx(1, abs=0.2)


def test_white_noise_has_the_same_power_at_all_frequencies(make_region: MakeRegion) -> None:
    frequencies, power, count = radial_power(make_region(np.random.default_rng(22).normal(size=(48, 48, 48))))
    some = count > 200
    assert power[some] == pytest.approx(np.average(power, weights=count), rel=0.3)
    assert frequencies[count > 0].min() == pytest.approx(2 / 48) and frequencies.max() <= 0.5 + 1 / 96


def test_unequal_spacings_are_respected(make_region: MakeRegion) -> None:
    """The same wave along the slices, finely and coarsely sampled."""
    place = np.arange(24.0)
    wave = np.sin(2 * np.pi * place / 8)[:, None, None] + np.zeros((24, 12, 12))
    found = measure(make_region(wave, spacing=(1, 2, 2)), WANTED)
    assert found["spec_centroid"] == pytest.approx(1 / 8, rel=0.15)
