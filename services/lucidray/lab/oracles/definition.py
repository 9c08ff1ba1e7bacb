"""Features straight from the text of the IBSI manual, where mirp or z-rad compute something else.

Slow and plain, by other ways than `quantify`: the mesh of scikit-image as it comes, the least ellipsoid and the least
box each with a proof or by exhaustion, sums over each sphere, a histogram counted level by level.
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull
from scipy.special import eval_legendre
from skimage.measure import marching_cubes

from lucidray.lab.oracles.least_box import least_box
from lucidray.lab.oracles.least_ellipsoid import least_ellipsoid
from lucidray.quantify.discretise import Limits
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import Region

Array = npt.NDArray[np.float64]

_SERIES_END = 20  # section 3.1, RDD2: "by default, we stop the series after" that term
_LEAST_ECCENTRICITY = 1e-6  # below, the argument of the polynomials cannot be divided out; the area moves by 1e-12
RADIUS = 10 * (3 / (4 * math.pi)) ** (1 / 3)  # mm, section 3.2


def defined(region: Region, measurement: Measurement) -> dict[str, float | None]:
    """Enclosing boxes and ellipsoids, local intensity, intensity-volume histogram, by abbreviation."""
    bins, limits = measurement.volume_histogram, measurement.intensity_range
    return {**densities(region), **peaks(region), **volume_histogram(region, bins, limits)}


def densities(region: Region) -> Mapping[str, float]:
    """Volume and area of the mesh over those of the oriented box and of the ellipsoid of least volume (section 3.1)."""
    vertices, faces = _mesh(region)
    first, second, third = np.moveaxis(vertices[faces], 1, 0)
    volume = abs(float((first * np.cross(second, third)).sum()) / 6)
    area = float(np.linalg.norm(np.cross(second - first, third - first), axis=1).sum() / 2)
    outermost = vertices[ConvexHull(vertices).vertices]
    z, y, x = least_box(outermost)
    axes = least_ellipsoid(outermost)
    return {
        "morph_vol_dens_ombb": volume / (z * y * x),
        "morph_area_dens_ombb": area / (2 * (z * y + z * x + y * x)),
        "morph_vol_dens_mvee": volume / (4 / 3 * math.pi * math.prod(axes)),
        "morph_area_dens_mvee": area / ellipsoid_area(*axes),
    }


def _mesh(region: Region) -> tuple[Array, npt.NDArray[np.intp]]:
    """Vertices (n, 3) in mm and the triangles between them."""
    padded = np.pad(region.mask.astype(np.float64), 1)
    vertices, faces, _, _ = marching_cubes(padded, 0.5)  # type: ignore[no-untyped-call]
    return vertices.astype(np.float64) * region.spacing, faces  # half voxels, which float32 holds exactly


def ellipsoid_area(major: float, minor: float, least: float) -> float:
    """The manual's series (RDD2), term by term."""
    alpha, beta = (max(math.sqrt(1 - (axis / major) ** 2), _LEAST_ECCENTRICITY) for axis in (minor, least))
    degrees = np.arange(_SERIES_END + 1)
    polynomials = eval_legendre(degrees, (alpha**2 + beta**2) / (2 * alpha * beta))
    return float(4 * math.pi * major * minor * ((alpha * beta) ** degrees / (1 - 4 * degrees**2) * polynomials).sum())


def peaks(region: Region) -> Mapping[str, float]:
    """Means of the voxels with centres within the radius of each voxel of the region (section 3.2)."""
    reach = [int(RADIUS // step) for step in region.spacing]
    around = np.pad(region.voxels, [(each, each) for each in reach], constant_values=np.nan)
    sums, counts = np.zeros(region.voxels.shape), np.zeros(region.voxels.shape)
    for shift in np.ndindex(*(2 * each + 1 for each in reach)):
        offset = (np.array(shift) - reach) * region.spacing
        if float(offset @ offset) <= RADIUS**2:
            z, y, x = (slice(first, first + size) for first, size in zip(shift, region.voxels.shape, strict=True))
            exists = np.isfinite(around[z, y, x])
            counts += exists
            sums += np.where(exists, around[z, y, x], 0)
    means, intensities = (sums / counts)[region.intensity_mask], region.voxels[region.intensity_mask]
    return {
        "loc_peak_loc": float(means[intensities == intensities.max()].max()),
        "loc_peak_glob": float(means.max()),
    }


def volume_histogram(region: Region, bins: Discretisation, limits: Limits) -> dict[str, float | None]:
    """The intensity-volume histogram (section 3.5), but for its area.

    The range G is the re-segmentation range, or where that is open as far as intensities reach; with bins of a fixed
    size it lies half a bin inside; with a number of bins it goes from the first to the last.
    """
    intensities = region.voxels[region.intensity_mask]
    low = float(intensities.min()) if limits[0] is None else limits[0]
    high = float(intensities.max()) if limits[1] is None else limits[1]
    step, begin, end = bins.value or 1.0, low, high
    if bins.method == "fixed_bin_size":
        begin, end = low + step / 2, high - step / 2
    if end <= begin:
        return {}
    discretised = (intensities - low) / step
    if bins.method == "fixed_bin_number":
        discretised = step * (intensities - intensities.min()) / np.ptp(intensities)  # section 2.7, without its + 1
        step, begin, end = 1.0, 1.0, step
    discretised = np.minimum(np.floor(discretised), np.ceil((end - begin) / step))
    levels = np.arange(int(discretised.max()) + 1.0)  # whole steps from the beginning of G
    volumes = np.array([float((discretised >= level).mean()) for level in levels])
    return _of_histogram(volumes, levels * step / (end - begin), begin, step)


def _of_histogram(volumes: Array, fractions: Array, begin: float, width: float) -> dict[str, float | None]:
    def volume(fraction: float) -> float | None:
        reached = volumes[fractions >= fraction - 1e-9]
        return float(reached.max()) if reached.size else None

    def intensity(fraction: float) -> float:
        held = np.flatnonzero(volumes <= fraction)
        return begin + width * float(held[0] if held.size else len(volumes))

    low, high = volume(0.1), volume(0.9)
    return {
        "ivh_v10": low,
        "ivh_v90": high,
        "ivh_i10": intensity(0.1),
        "ivh_i90": intensity(0.9),
        "ivh_diff_v10_v90": None if low is None or high is None else low - high,
        "ivh_diff_i10_i90": intensity(0.1) - intensity(0.9),
    }
