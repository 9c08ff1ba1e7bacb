"""Feature values by z-rad (University of Zurich, MIT), on what our own processing prepared.

Its feature classes take arrays (x, y, z) with NaN outside the region. Install it with ``pip install --no-deps z-rad``:
as a whole it wants a desktop toolkit.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lucidray.quantify.sample import Sample
from lucidray.quantify.values import Undefined

_DIRECTIONAL = {
    "2D:avg": ("2D", "AVER"),
    "2D:mrg": ("2D", "SLICE_MERG"),
    "2.5D:avg": ("2.5D", "DIR_MERG"),
    "2.5D:mrg": ("2.5D", "MERG"),
    "3D:avg": ("3D", "AVER"),
    "3D:mrg": ("3D", "MERG"),
}


def zrad_values(sample: Sample, aggregation: str) -> dict[str, float | None]:
    """Features of a sample by abbreviation; None where z-rad gives no number, none of a family for which it raises."""
    found: dict[str, float | None] = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for calculate in _families(sample, aggregation):
            try:
                values = calculate()
            except Exception:  # noqa: S112 - it raises where a feature is undefined, and takes the family along
                continue
            found |= {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
    return found


def _families(sample: Sample, aggregation: str) -> Iterator[Callable[[], dict[str, Any]]]:
    from zrad.radiomics.glcm import GLCM
    from zrad.radiomics.gldzm import GLDZM
    from zrad.radiomics.glrlm import GLRLM
    from zrad.radiomics.glszm import GLSZM
    from zrad.radiomics.intensity import (
        IntensityHistogramFeatures,
        IntensityStatisticsFeatures,
        LocalIntensityFeatures,
    )
    from zrad.radiomics.morphology import MorphologicalFeatures
    from zrad.radiomics.ngldm import NGLDM
    from zrad.radiomics.ngtdm import NGTDM

    levels = _levels(sample)
    dimension, method = _DIRECTIONAL[aggregation]
    region = sample.region
    spacing, voxels, mask = region.spacing[::-1], region.voxels.T, region.mask.T.astype(np.float64)
    intensities = np.where(region.intensity_mask.T, voxels, np.nan)
    yield lambda: dict(MorphologicalFeatures(spacing).calculate_features(mask, intensities))
    yield lambda: dict(LocalIntensityFeatures(spacing).calculate_features(voxels, intensities))
    yield lambda: _volume_histogram(sample, intensities)
    yield lambda: dict(IntensityStatisticsFeatures().calculate_features(intensities))
    yield lambda: dict(IntensityHistogramFeatures().calculate_features(levels))
    yield lambda: dict(GLCM(dimension, method).calculate_features(levels))
    yield lambda: dict(GLRLM(dimension, method).calculate_features(levels))
    yield lambda: dict(GLSZM(dimension).calculate_features(levels))
    yield lambda: dict(GLDZM(dimension).calculate_features(levels, mask))
    yield lambda: dict(NGTDM(dimension).calculate_features(levels))
    yield lambda: dict(NGLDM(dimension).calculate_features(levels))


def _levels(sample: Sample) -> npt.NDArray[np.float64]:
    if isinstance(sample.numbers, Undefined):
        raise ValueError(sample.numbers.reason)
    levels = np.full(sample.region.voxels.shape, np.nan)
    levels[sample.region.intensity_mask] = sample.numbers
    return levels.T


def _volume_histogram(sample: Sample, intensities: npt.NDArray[np.float64]) -> dict[str, Any]:
    """By z-rad's own discretisation and range of intensities."""
    from zrad.image import Image
    from zrad.preprocessing import IVHIntensityDiscretizer, RoiData
    from zrad.radiomics.extraction_preparation import _derive_ivh_parameters
    from zrad.radiomics.intensity import IntensityVolumeHistogramFeatures

    bins, (low, high) = sample.measurement.volume_histogram, sample.measurement.intensity_range
    image = Image(intensities, (0, 0, 0), sample.region.spacing[::-1], np.eye(3).ravel(), intensities.shape)
    own: dict[str, dict[str, float]] = {
        "none": {},
        "fixed_bin_size": {"bin_size": bins.value or 1.0},
        "fixed_bin_number": {"number_of_bins": int(bins.value or 1)},
    }
    method = "direct" if bins.method == "none" else bins.method
    limits = None if low is None else (low, np.inf if high is None else high)
    region = RoiData(image=image, intensity_mask=image, intensity_range=limits)
    prepared = IVHIntensityDiscretizer(method, **own[bins.method]).apply(region)
    measure = IntensityVolumeHistogramFeatures(*_derive_ivh_parameters(prepared))
    return dict(measure.calculate_features(prepared.ivh_intensity_image.array))
