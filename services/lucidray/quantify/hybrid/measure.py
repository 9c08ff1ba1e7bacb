"""The features of two modalities together."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.contracts.results import Feature
from lucidray.quantify.engine import compute
from lucidray.quantify.hybrid.association import NAMES, association
from lucidray.quantify.hybrid.fusion import fuse
from lucidray.quantify.hybrid.spec import Hybrid, Scale
from lucidray.quantify.region import Mask, Region, absence, place, voxels_on
from lucidray.quantify.values import Undefined, Values

FAMILY = "voxelwise_association"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two images of one region on the common grid; arrays (z, y, x)."""

    first: Floats  # scaled to 0 to 1
    second: Floats
    mask: Mask  # the voxels of the region that both images cover
    uncovered: float  # share of the region's voxels that one of them does not cover
    spacing: tuple[float, float, float]


@dataclass(frozen=True)
class HybridFeatures:
    """The features, and how much of the region they leave out."""

    features: list[Feature]
    uncovered: float = 0.0


def measure_hybrid(
    hybrid: Hybrid, volumes: Mapping[str, Volume], mask: Mask, mask_grid: Grid, segment: int
) -> HybridFeatures:
    """Association and fused-image features of one region.

    The native `volumes` are given by role, the boolean `mask` (z, y, x) on `mask_grid`; results bear its `segment`.

    Returns
    -------
    Features with the image role 'FIRST+SECOND'; fused images are told apart by `filter`. Where the two have no voxel
    of the region in common, or different frames of reference, they are undefined with that reason.
    """
    pair = paired(hybrid, volumes[hybrid.roles[0]], volumes[hybrid.roles[1]], mask, mask_grid)
    if isinstance(pair, Undefined):
        nothing = _association_features(hybrid, dict.fromkeys(NAMES, pair), segment)
        return HybridFeatures([*nothing, *_fused_features(hybrid, pair, segment)])
    values = association(pair.first[pair.mask], pair.second[pair.mask], hybrid.bins)
    features = [*_association_features(hybrid, values, segment), *_fused_features(hybrid, pair, segment)]
    return HybridFeatures(features, pair.uncovered)


def paired(hybrid: Hybrid, first: Volume, second: Volume, mask: Mask, mask_grid: Grid) -> Pair | Undefined:
    """Both images on the common grid, around the region."""
    frames = {each.grid.frame_of_reference_uid for each in (first, second)} - {""}
    if len(frames) > 1:
        return Undefined(f"{' and '.join(hybrid.roles)} have different frames of reference: they are not registered")
    placed = place(first.grid, mask, mask_grid, hybrid.measurement)
    if placed is None:
        return absence(first.grid, mask, mask_grid)
    target, inside = placed
    images = [voxels_on(target, volume, hybrid.measurement.interpolation, np.nan) for volume in (first, second)]
    common = inside & np.isfinite(images[0]) & np.isfinite(images[1])
    if not common.any():
        return Undefined(f"no voxel of the region is covered by both {' and '.join(hybrid.roles)}")
    scaled = [_scaled(image, common, scale) for image, scale in zip(images, hybrid.scales, strict=True)]
    if scaled[0] is None or scaled[1] is None:
        return Undefined("an image is constant in the region, so that its percentiles give no scale")
    uncovered = 1 - int(common.sum()) / int(inside.sum())
    return Pair(scaled[0], scaled[1], common, uncovered, target.spacing)


def _scaled(image: Floats, mask: Mask, scale: Scale) -> Floats | None:
    low, high = scale.low, scale.high
    if scale.of == "percentile":
        low, high = (float(each) for each in np.percentile(image[mask], [scale.low, scale.high]))
    if low == high:
        return None
    # Voxels around the region that an image does not cover: filters need a number, features do not see them.
    return np.nan_to_num(np.clip((image - low) / (high - low), 0, 1), nan=0.0)


def _association_features(hybrid: Hybrid, values: Values, segment: int) -> list[Feature]:
    return [
        Feature(
            name=name,
            family=FAMILY,
            discretisation=f"{hybrid.bins} x {hybrid.bins} bins" if name not in NAMES[:2] else "",
            value=None if isinstance(value, Undefined) else value,
            reason=value.reason if isinstance(value, Undefined) else "",
            image_role=hybrid.role,
            segment=segment,
        )
        for name, value in values.items()
    ]


def _fused_features(hybrid: Hybrid, pair: Pair | Undefined, segment: int) -> list[Feature]:
    found: list[Feature] = []
    for spec in hybrid.fusions:
        update: dict[str, str] = {"filter": spec.label}
        region = None
        if isinstance(pair, Undefined):
            update["reason"] = pair.reason
        else:
            fused = np.clip(fuse(pair.first, pair.second, spec), 0, 1)
            region = Region(fused, pair.mask, pair.mask, pair.spacing)
        features = compute(region, hybrid.measurement, segment)
        found += [each.model_copy(update=update) for each in features]
    return found
