"""Morphology (IBSI manual, section 3.1; HCUG): size and shape of a region, and how intensities lie in it."""

import math
from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from lucidray.quantify.autocorrelation import Autocorrelation, autocorrelation
from lucidray.quantify.enclosing import (
    Axes,
    Sides,
    box_area,
    box_volume,
    ellipsoid_area,
    ellipsoid_volume,
)
from lucidray.quantify.hull import Hull, convex_hull
from lucidray.quantify.mesh import Mesh, surface
from lucidray.quantify.minimum_ellipsoid import minimum_ellipsoid
from lucidray.quantify.moments import centre, row_sums, semi_axes, weighted_sums
from lucidray.quantify.oriented_box import minimum_box
from lucidray.quantify.region import Region, bounding_box
from lucidray.quantify.threads import one_thread
from lucidray.quantify.values import Undefined, Value, Values

EMPTY = Undefined("the region is empty")
ONE_VOXEL = Undefined("the region has one voxel, which has no axes")
FLAT = Undefined("the voxels lie in one plane or line: the ellipsoid of their principal axes has no volume")
NO_INTENSITIES = Undefined("no voxel of the region has an intensity")
NO_WEIGHT = Undefined("the intensities add up to zero")
ONE_INTENSITY = Undefined("there is one voxel with an intensity, hence no pair")
CONSTANT = Undefined("all intensities are equal")


def morphology(region: Region, wanted: frozenset[str]) -> Values:
    """The wanted features, by abbreviation (`ibsi.csv`).

    Parameters
    ----------
    region
        Voxels, morphological and intensity mask (z, y, x), spacing (z, y, x) in mm.
    """
    if not region.mask.any():
        return dict.fromkeys(wanted, EMPTY)
    with one_thread():
        near = region.around(0)  # sums must not depend on how much lies around the region
        shape, intensities = _Shape(near), _Intensities(near)
        values = {name: measure(shape) for name, measure in _OF_SHAPE.items() if name in wanted}
        values |= {name: measure(shape, intensities) for name, measure in _OF_INTENSITIES.items() if name in wanted}
    return {name: values[name] for name in wanted}


class _Shape:
    """The morphological mask in its bounding box; what several features need is made once, and only if one needs it."""

    def __init__(self, region: Region) -> None:
        self.mask, self.spacing = region.mask, region.spacing
        self.count = int(np.count_nonzero(self.mask))

    @cached_property
    def mesh(self) -> Mesh:
        return surface(self.mask, self.spacing)

    @cached_property
    def hull(self) -> Hull:
        return convex_hull(self.mask, self.spacing)

    @cached_property
    def sides(self) -> Sides:
        """Of the axis-aligned box around the mesh, which reaches to the faces of the voxels, mm."""
        z, y, x = (size * step for size, step in zip(self.mask.shape, self.spacing, strict=True))
        return z, y, x

    @cached_property
    def least_sides(self) -> Sides:
        """Of the oriented minimum bounding box, mm."""
        return minimum_box(self.hull)

    @cached_property
    def axes(self) -> Axes:
        """Major, minor and least semi-axis of the voxels (two or more), mm."""
        return semi_axes(self.mask, self.spacing)

    @cached_property
    def least_axes(self) -> Axes:
        """Of the minimum volume enclosing ellipsoid, mm."""
        return minimum_ellipsoid(self.hull.vertices)

    @property
    def sphericity(self) -> float:
        """Area of the ball of the mesh's volume, over the area of the mesh."""
        return float((36 * math.pi * self.mesh.volume**2) ** (1 / 3) / self.mesh.area)


class _Intensities:
    """The intensity mask, as far as there are intensities in it."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._sums = weighted_sums(region.voxels, region.intensity_mask)
        self.count = int(self._sums[2].sum())

    @property
    def mean(self) -> float:
        return float(self._sums[0].sum()) / self.count

    @property
    def shift(self) -> Value:
        """Distance of the centre of mass from that of the morphological mask, mm."""
        if self._sums[0].sum() == 0:
            return NO_WEIGHT
        spacing = self._region.spacing
        return float(np.linalg.norm(centre(self._sums, spacing) - centre(row_sums(self._region.mask), spacing)))

    @cached_property
    def autocorrelation(self) -> Autocorrelation | Undefined:
        if self.count == 1:
            return ONE_INTENSITY
        known = self._region.intensity_mask & np.isfinite(self._region.voxels)
        box = bounding_box(known)
        voxels, mask = self._region.voxels[box], known[box]
        if np.ptp(voxels[mask]) == 0:
            return CONSTANT
        return autocorrelation(voxels, mask, self._region.spacing)


def _of_axes(measure: Callable[[Axes], float]) -> Callable[[_Shape], Value]:
    return lambda shape: measure(shape.axes) if shape.count > 1 else ONE_VOXEL


def _over_ellipsoid(measure: Callable[[_Shape], float]) -> Callable[[_Shape], Value]:
    def density(shape: _Shape) -> Value:
        if shape.count == 1:
            return ONE_VOXEL
        return measure(shape) if shape.axes[-1] else FLAT

    return density


_OF_SHAPE: Mapping[str, Callable[[_Shape], Value]] = {
    "morph_volume": lambda shape: shape.mesh.volume,
    "morph_vol_approx": lambda shape: shape.count * math.prod(shape.spacing),
    "morph_area_mesh": lambda shape: shape.mesh.area,
    "morph_av": lambda shape: shape.mesh.area / shape.mesh.volume,
    "morph_comp_1": lambda shape: shape.sphericity**1.5 / (6 * math.pi),
    "morph_comp_2": lambda shape: shape.sphericity**3,
    "morph_sph_dispr": lambda shape: 1 / shape.sphericity,
    "morph_sphericity": lambda shape: shape.sphericity,
    "morph_asphericity": lambda shape: 1 / shape.sphericity - 1,
    "morph_diam": lambda shape: shape.hull.diameter,
    "morph_pca_maj_axis": _of_axes(lambda axes: 2 * axes[0]),
    "morph_pca_min_axis": _of_axes(lambda axes: 2 * axes[1]),
    "morph_pca_least_axis": _of_axes(lambda axes: 2 * axes[2]),
    "morph_pca_elongation": _of_axes(lambda axes: axes[1] / axes[0]),
    "morph_pca_flatness": _of_axes(lambda axes: axes[2] / axes[0]),
    "morph_vol_dens_aabb": lambda shape: shape.mesh.volume / box_volume(shape.sides),
    "morph_area_dens_aabb": lambda shape: shape.mesh.area / box_area(shape.sides),
    "morph_vol_dens_ombb": lambda shape: shape.mesh.volume / box_volume(shape.least_sides),
    "morph_area_dens_ombb": lambda shape: shape.mesh.area / box_area(shape.least_sides),
    "morph_vol_dens_aee": _over_ellipsoid(lambda shape: shape.mesh.volume / ellipsoid_volume(shape.axes)),
    "morph_area_dens_aee": _over_ellipsoid(lambda shape: shape.mesh.area / ellipsoid_area(shape.axes)),
    "morph_vol_dens_mvee": lambda shape: shape.mesh.volume / ellipsoid_volume(shape.least_axes),
    "morph_area_dens_mvee": lambda shape: shape.mesh.area / ellipsoid_area(shape.least_axes),
    "morph_vol_dens_conv_hull": lambda shape: shape.mesh.volume / shape.hull.volume,
    "morph_area_dens_conv_hull": lambda shape: shape.mesh.area / shape.hull.area,
}


def _with_intensities(measure: Callable[[_Shape, _Intensities], Value]) -> Callable[[_Shape, _Intensities], Value]:
    return lambda shape, intensities: measure(shape, intensities) if intensities.count else NO_INTENSITIES


def _moran(_: _Shape, intensities: _Intensities) -> Value:
    found = intensities.autocorrelation
    return found if isinstance(found, Undefined) else found.moran


def _geary(_: _Shape, intensities: _Intensities) -> Value:
    found = intensities.autocorrelation
    return found if isinstance(found, Undefined) else found.geary


_OF_INTENSITIES: Mapping[str, Callable[[_Shape, _Intensities], Value]] = {
    "morph_com": _with_intensities(lambda _, intensities: intensities.shift),
    "morph_integ_int": _with_intensities(lambda shape, intensities: shape.mesh.volume * intensities.mean),
    "morph_moran_i": _with_intensities(_moran),
    "morph_geary_c": _with_intensities(_geary),
}
