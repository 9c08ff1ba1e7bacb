"""Feature values by mirp (Zwanenburg et al., JOSS 2024; EUPL-1.2), on what our own processing prepared.

mirp's public function fails as a whole when one feature is undefined and takes arrays only at 1 mm spacing, therefore
its feature classes get prepared images one by one. That reaches below its public interface: the version is pinned.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lucidray.quantify.ibsi import TEXTURE, definitions
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.region import Region
from lucidray.quantify.sample import Sample

_DIRECTIONAL = {
    "2D:avg": "2d_average",
    "2D:mrg": "2d_slice_merge",
    "2.5D:avg": "2.5d_direction_merge",
    "2.5D:mrg": "2.5d_volume_merge",
    "3D:avg": "3d_average",
    "3D:mrg": "3d_volume_merge",
}
_FAMILIES = {
    "morphology": "morph",
    "local_intensity": "loc_int",
    "intensity_statistics": "stat",
    "intensity_histogram": "int_hist",
    "intensity_volume_histogram": "ivh",
}
# Grey levels of the intensity-volume histogram (IBSI manual, section 3.5): HU as they are, SUV in steps of 0.1,
# 1000 bins where units are arbitrary (mirp does the first and the last by itself).
_IVH_SUV_WIDTH = 0.1


def mirp_values(
    sample: Sample, wanted: frozenset[str], aggregation: str, exact: bool = False
) -> dict[str, float | None]:
    """The wanted features of a sample by abbreviation; None where mirp raises or gives no number.

    mirp takes negative intensities of PET for noise and sets them to zero.

    Parameters
    ----------
    exact
        Sum Moran's I and Geary's C over all pairs of voxels; mirp by itself estimates them from samples of 100 voxels
        in regions of 1,000 or more.
    """
    from mirp._features.feature_generator import generate_features
    from mirp.settings.feature_parameters import FeatureExtractionSettingsClass

    values: dict[str, float | None] = dict.fromkeys(wanted)
    region, measurement = sample.region, sample.measurement
    with _quiet():
        image, mask = _mirp_image(region, measurement), _mirp_mask(region, measurement)
        settings = FeatureExtractionSettingsClass(**_settings(sample, wanted, aggregation), no_approximation=exact)
        features = [each for each in generate_features(settings) if each.abbr_name in wanted]
        previous = None
        for feature in features:
            values[feature.abbr_name] = _value(feature, image, mask)
            if previous is not None:
                previous.clear_local_cache(other=feature)
            previous = feature
        for feature in features:
            feature.clear_cache()
    return values


def _value(feature: Any, image: Any, mask: Any) -> float | None:
    try:
        feature.compute(image=image, mask=mask)
    except Exception:  # degenerate regions fail in many ways; all mean "undefined"
        return None
    value = feature.value
    return float(value) if value is not None and math.isfinite(value) else None


def _settings(sample: Sample, wanted: frozenset[str], aggregation: str) -> dict[str, Any]:
    measurement, discretisation = sample.measurement, sample.discretisation
    zones = aggregation.split(":")[0].lower()
    families = {each.family for name, each in definitions().items() if name in wanted}
    settings: dict[str, Any] = {
        "ibsi_compliant": False,  # our table chooses; mirp would also drop what it was handed resampled
        "base_feature_families": [_FAMILIES.get(family, family) for family in families],
        "ivh_discretisation_method": "none",
    }
    if measurement.modality == "PT":
        settings |= {"ivh_discretisation_method": "fixed_bin_size", "ivh_discretisation_bin_width": _IVH_SUV_WIDTH}
    for family in TEXTURE:
        directional = family in ("glcm", "glrlm")
        settings[f"{family}_spatial_method"] = _DIRECTIONAL[aggregation] if directional else zones
    if discretisation:
        method, value = discretisation.method, discretisation.value
        settings["base_discretisation_method"] = method
        if method == "fixed_bin_size":
            settings["base_discretisation_bin_width"] = value
        elif method == "fixed_bin_number" and value is not None:
            settings["base_discretisation_n_bins"] = int(value)
    return settings


def _mirp_image(region: Region, measurement: Measurement) -> Any:
    from mirp._images.ct_image import CTImage
    from mirp._images.generic_image import GenericImage
    from mirp._images.mr_image import MRImage
    from mirp._images.pet_image import PETImage

    kinds = {"CT": CTImage, "PT": PETImage, "MR": MRImage}
    data = region.voxels.astype(np.float64)
    image = kinds.get(measurement.modality, GenericImage)(image_data=data, **_geometry(region))
    image.update_separate_slices(False)
    return image


def _mirp_mask(region: Region, measurement: Measurement) -> Any:
    from mirp._masks.base_mask import BaseMask

    mask = BaseMask(roi_name="region", image_data=region.mask, **_geometry(region))
    mask.update_separate_slices(False)
    mask.generate_masks()
    mask.roi_intensity.set_voxel_grid(region.intensity_mask)
    low, high = measurement.intensity_range
    mask.intensity_range = (math.nan if low is None else low, math.nan if high is None else high)
    return mask


def _geometry(region: Region) -> dict[str, Any]:
    """mirp keeps spacing and orientation as we do, (z, y, x)."""
    return {
        "image_origin": (0.0, 0.0, 0.0),
        "image_orientation": np.eye(3),
        "image_spacing": region.spacing,
        "image_dimensions": region.voxels.shape,
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """mirp warns of constant regions and divides by zero; both end as an undefined value."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
