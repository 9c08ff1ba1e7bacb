"""The truth about a lesion is exact."""

import numpy as np
import pytest

from lucidray.core.errors import Permanent
from lucidray.phantom import Texture
from lucidray.phantom.anatomy import Region
from lucidray.phantom.lesion import Lesion
from lucidray.phantom.patient import VirtualPatient

STEP = 0.9  # mm


def fine_points(lesion: Lesion) -> np.ndarray:
    low, high = lesion.bounds()
    axes = [np.arange(low[i] + STEP / 2, high[i], STEP) for i in range(3)]
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


@pytest.mark.parametrize("seed", [1, 7, 23])
@pytest.mark.parametrize("region", ["thigh", "thorax"])
def test_volume_mean_uptake_and_core_are_those_of_a_fine_grid(seed: int, region: Region) -> None:
    lesion = VirtualPatient.from_seed(seed, region=region).lesion
    points = fine_points(lesion)
    radius = lesion.radius(points)
    inside = points[radius <= 1.0]
    voxel_ml = STEP**3 / 1000.0

    assert len(inside) * voxel_ml == pytest.approx(lesion.volume_ml, rel=2e-3)
    assert lesion.uptake(inside).mean() == pytest.approx(lesion.suv_mean, rel=5e-3)
    core = (radius <= lesion.texture.core).sum() * voxel_ml
    assert core == pytest.approx(lesion.volume_ml * lesion.texture.core**3, rel=2e-2)


def test_contours_lie_on_the_surface_and_enclose_the_volume() -> None:
    lesion = VirtualPatient.from_seed(5).lesion
    heights = lesion.centre[2] + lesion.semi_axes[2] * np.linspace(-0.999, 0.999, 400)
    areas = []
    for z in heights:
        contour = lesion.contour(float(z), 360)
        np.testing.assert_allclose(lesion.radius(contour), 1.0, atol=1e-9)
        x, y = contour[:, 0], contour[:, 1]
        areas.append(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
    assert np.trapezoid(areas, heights) / 1000.0 == pytest.approx(lesion.volume_ml, rel=1e-3)


def test_no_contour_beyond_the_lesion() -> None:
    lesion = VirtualPatient.from_seed(5).lesion
    assert lesion.contour(lesion.centre[2] + lesion.semi_axes[2]).shape == (0, 3)


def test_volume_uptake_and_texture_can_be_asked_for() -> None:
    even = Texture(heterogeneity=0.0, core=0.0)
    lesion = VirtualPatient.from_seed(3, lesion_volume_ml=42.0, lesion_suv=6.5, texture=even).lesion
    points = fine_points(lesion)
    assert lesion.volume_ml == pytest.approx(42.0)
    np.testing.assert_allclose(lesion.uptake(points), 6.5)


def test_heterogeneity_and_correlation_length_are_those_of_the_texture() -> None:
    def field(length: float) -> Lesion:
        texture = Texture(heterogeneity=0.2, correlation_length=length, core=0.0)
        return VirtualPatient.from_seed(3, lesion_volume_ml=25.0, lesion_suv=5.0, texture=texture).lesion

    def roughness(lesion: Lesion) -> float:
        points = fine_points(lesion)
        return float(np.std(lesion.uptake(points + (1.0, 0.0, 0.0)) - lesion.uptake(points)))

    fine = field(3.0)
    # One draw of 32 waves: the spread of one lesion scatters around what was asked for.
    assert np.std(fine.uptake(fine_points(fine))) == pytest.approx(0.2 * 5.0, rel=0.25)
    assert roughness(fine) > 2.0 * roughness(field(12.0))


@pytest.mark.parametrize("region", ["thigh", "thorax"])
def test_a_lesion_that_does_not_fit_is_refused(region: Region) -> None:
    with pytest.raises(Permanent, match="does not fit") as refusal:
        VirtualPatient.from_seed(7, region=region, lesion_volume_ml=900.0)
    assert refusal.value.remedy


def test_no_lesion_of_negative_size() -> None:
    with pytest.raises(Permanent, match="positive"):
        VirtualPatient.from_seed(7, lesion_volume_ml=-1.0)


@pytest.mark.parametrize("region", ["thigh", "thorax"])
def test_every_drawn_lesion_fits(region: Region) -> None:
    for seed in range(80):
        VirtualPatient.from_seed(seed, region=region)
