"""What is beyond the edge of the image, how far a filter looks, and what it cannot filter."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.core.errors import Permanent
from lucidray.quantify.filters import FilterSpec, response, support
from lucidray.quantify.filters.boundary import Boundary, pad
from lucidray.quantify.filters.simoncelli import reach
from lucidray.quantify.filters.specs import Gabor, LaplacianOfGaussian, Laws, Mean, Riesz, Simoncelli, Wavelet

Array = npt.NDArray[np.float64]
UNIT = (1.0, 1.0, 1.0)
FILTERS: Sequence[FilterSpec] = (
    Mean(support=5),
    Mean(support=3, volumetric=False),
    LaplacianOfGaussian(sigma=0.8),
    Laws(kernels="E5L5S5"),
    Laws(kernels="E5L5", volumetric=False, pooling="max", energy=2),
    Wavelet(family="db2", bands="LHL", level=2, pooling="mean"),
    Wavelet(family="coif1", bands="HL", volumetric=False),
    Gabor(sigma=0.6, wavelength=2, gamma=1.2),
    Gabor(sigma=0.6, wavelength=2, step=45, orthogonal=True),
)
# An energy map continues the responses, not the image.
CONTINUED = [spec for spec in FILTERS if not (isinstance(spec, Laws) and spec.energy)]
continued = pytest.mark.parametrize("spec", CONTINUED, ids=lambda each: each.label)
names = pytest.mark.parametrize("spec", FILTERS, ids=lambda each: each.label)


@continued
@pytest.mark.parametrize("boundary", ["zero", "nearest", "periodic", "mirror"])
def test_an_edge_equals_an_image_continued_by_hand(spec: FilterSpec, boundary: Boundary) -> None:
    image = np.random.default_rng(8).normal(size=(9, 10, 11))
    width = 12
    wide = pad(image, [(width, width)] * 3, boundary)
    inside = (slice(width, -width),) * 3
    named = spec.model_copy(update={"boundary": boundary})
    np.testing.assert_allclose(response(image, UNIT, named), response(wide, UNIT, spec)[inside], atol=1e-7)


@names
def test_a_response_depends_on_its_support_alone(spec: FilterSpec) -> None:
    reach = support(UNIT, spec)
    assert reach is not None
    image = np.zeros((2 * reach + 5,) * 3)
    middle = reach + 2
    image[middle, middle, middle] = 1e3
    touched = np.argwhere(np.abs(response(image, UNIT, spec)) > 1e-4)
    assert np.abs(touched - middle).max() <= reach
    if not isinstance(spec, Gabor):  # its envelope has no end, only a limit where it is cut
        assert np.abs(touched - middle).max() >= reach - 1


def test_fourier_filters_and_periodic_ones_depend_on_the_whole_image() -> None:
    for spec in (Simoncelli(level=1), LaplacianOfGaussian(sigma=1, riesz=Riesz(order=(1, 0, 0)))):
        assert support(UNIT, spec) is None
    assert support(UNIT, Mean(support=3)) == 1 and support(UNIT, Mean(support=3, boundary="periodic")) is None


def test_voxels_that_are_no_numbers_spread_as_far_as_the_filter_looks() -> None:
    image = np.random.default_rng(9).normal(size=(9, 9, 9))
    image[4, 4, 4] = np.nan
    found = response(image, UNIT, Mean(support=3))
    assert np.isnan(found).sum() == 27 and np.isnan(found[3:6, 3:6, 3:6]).all()
    sound = np.where(np.isnan(image), 0.0, image)
    np.testing.assert_allclose(found[0:3], response(sound, UNIT, Mean(support=3))[0:3])
    flat = response(image, UNIT, Mean(support=3, volumetric=False))
    assert np.isnan(flat).sum() == 9
    assert np.isnan(response(image, UNIT, Simoncelli(level=1))).all()


def test_unequal_spacing_is_refused_with_a_remedy() -> None:
    image = np.zeros((5, 6, 7))
    with pytest.raises(Permanent, match=r"log 2 mm 3D mirror.*3 x 1 x 1 mm apart.*isotropic spacing"):
        response(image, (3, 1, 1), LaplacianOfGaussian(sigma=2))
    with pytest.raises(Permanent, match="3 x 1 x 1"):
        response(image, (3, 1, 1), Gabor(sigma=2, wavelength=2, orthogonal=True))
    response(image, (3, 1, 1), LaplacianOfGaussian(sigma=2, volumetric=False))
    response(image, (3, 1.0002, 1), Mean(support=3, volumetric=False))


def test_the_image_is_left_alone_and_repetition_gives_the_same_bits() -> None:
    image = np.random.default_rng(10).normal(size=(12, 13, 14))
    before = image.copy()
    for spec in (*FILTERS, Simoncelli(level=2, riesz=Riesz(order=(1, 1, 0), steering=1))):
        first = response(image, UNIT, spec)
        assert first.shape == image.shape and first.dtype == np.float64
        assert np.array_equal(first, response(image, UNIT, spec))
    assert np.array_equal(image, before)


@pytest.mark.parametrize("shape", [(1, 9, 9), (1, 1, 1), (2, 3, 1)])
def test_images_smaller_than_the_kernel_are_continued_as_often_as_it_takes(shape: tuple[int, int, int]) -> None:
    """A constant image goes on as a constant, however small it is."""
    image = np.full(shape, 7.0)
    assert response(image, UNIT, Mean(support=5)) == pytest.approx(image)
    for spec in (
        LaplacianOfGaussian(sigma=2, truncation=8),
        Laws(kernels="E5W5S5"),
        Wavelet(family="db3", bands="HHH"),
    ):
        assert response(image, UNIT, spec) == pytest.approx(np.zeros(shape), abs=1e-6)


def test_one_slice_has_no_frequency_across() -> None:
    """A volume of one slice answers as the slice does."""
    image = np.random.default_rng(11).normal(size=(1, 15, 15))
    solid, flat = (response(image, UNIT, Simoncelli(level=1, volumetric=each)) for each in (True, False))
    np.testing.assert_allclose(solid, flat, atol=1e-12)


@pytest.mark.parametrize("level", [1, 2])
def test_an_image_is_padded_to_where_the_kernel_of_a_simoncelli_band_has_faded(level: int) -> None:
    impulse = np.zeros((97, 97, 97))
    impulse[48, 48, 48] = 1
    kernel = np.abs(response(impulse, UNIT, Simoncelli(level=level)))
    distance = np.sqrt(np.square(np.indices(kernel.shape) - 48).sum(axis=0))
    padding = reach(Simoncelli(level=level, boundary="mirror"))
    assert kernel[distance >= padding].max() < 2e-4 * kernel.max()
