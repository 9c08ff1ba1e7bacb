"""Features of arrays or volumes, by the engine that the service runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid, Vector
from lucidray.contracts.images import Volume
from lucidray.contracts.results import Feature
from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import in_words
from lucidray.quantify.arrays import array_volume, inside_of, lengths
from lucidray.quantify.engine import compute
from lucidray.quantify.hybrid.measure import measure_hybrid
from lucidray.quantify.hybrid.spec import Hybrid
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.preset import DeepFeatures, Preset, find_preset, read_preset
from lucidray.quantify.region import OUTSIDE, Mask, absence, prepare
from lucidray.serving.bundle import BundleShelf

Image = Volume | npt.ArrayLike


def extract(
    image: Image | Mapping[str, Image],
    mask: npt.ArrayLike,
    preset: Preset | str | Path,
    *,
    spacing: Vector | None = None,
    mask_grid: Grid | None = None,
    segment: int = 1,
    threads: int = 1,
) -> list[Feature]:
    """Measure a region in one image or several.

    Parameters
    ----------
    image
        Voxels (z, y, x), an array or a `Volume`; what a masked array masks is no number. Or
        several by role, e.g. ``{"PET": pet, "CT": ct}``. A single image is measured as every role that the preset has.
    mask
        The region (z, y, x): true or not zero where it is.
    preset
        A preset, its name, or the path of a preset's YAML file, as a `Path` or with the suffix .yaml or .yml.
    spacing
        Of an array's voxels along (z, y, x), mm; 1 mm if it is not given. A `Volume` knows its own.
    mask_grid
        Where the mask lies, if it is not on the image's own grid.
    segment
        Number of the region in the results.
    threads
        Among which the families are shared out: their number changes the time, and no bit of a value.

    Returns
    -------
    Every feature of the preset in the order of the preset and of the IBSI manual. A feature that is undefined for
    this region has no value but a reason.

    Raises
    ------
    Permanent
        There is no such preset, an image is missing, the mask has voxels that are no numbers, or mask and image do
        not fit; names both grids.

    Examples
    --------
    >>> import numpy as np
    >>> from lucidray.quantify import extract
    >>> image = np.arange(1000.0).reshape(10, 10, 10)
    >>> suv = {each.name: each.value for each in extract(image, image > 899, "pet-suv", spacing=(3, 2, 2))}
    >>> suv["maximum_intensity"], suv["volume_voxel_counting"]
    (999.0, 1200.0)
    """
    chosen = _preset(preset)
    given = _Given(image, inside_of(mask), spacing, mask_grid, segment, threads)
    return [
        *(feature for each in chosen.measurements for feature in given.measured(each)),
        *(feature for each in chosen.hybrids for feature in given.together(each, chosen.measurements)),
        *(feature for each in chosen.deep for feature in given.embedded(each, chosen.measurements)),
    ]


def features_of(
    volume: Volume, mask: Mask, grid: Grid, measurement: Measurement, segment: int = 1, threads: int = 1
) -> list[Feature]:
    """The features of one region, `mask` (z, y, x) on `grid`, under one measurement; reasons where there is none."""
    region = prepare(volume, mask, grid, measurement)
    return compute(region, measurement, segment, OUTSIDE if region else absence(volume.grid, mask, grid), threads)


@dataclass(frozen=True)
class _Given:
    """What `extract` was given, but for the preset."""

    image: Image | Mapping[str, Image]
    mask: Mask
    spacing: Vector | None
    mask_grid: Grid | None
    segment: int
    threads: int

    def measured(self, measurement: Measurement) -> list[Feature]:
        volume = self._volume(measurement)
        grid = _grid(self.mask, volume, self.mask_grid, measurement)
        return features_of(volume, self.mask, grid, measurement, self.segment, self.threads)

    def together(self, hybrid: Hybrid, measurements: Sequence[Measurement]) -> list[Feature]:
        pair = {each.role: self._volume(each) for each in measurements if each.role in hybrid.roles}
        grid = self.mask_grid or pair[hybrid.roles[0]].grid
        return measure_hybrid(hybrid, pair, self.mask, grid, self.segment).features

    def embedded(self, wanted: DeepFeatures, measurements: Sequence[Measurement]) -> list[Feature]:
        from lucidray.quantify.deep import deep_features  # the engine is not loaded where no preset wants it

        volumes = {each.role: self._volume(each) for each in measurements}
        grid = self.mask_grid or next(iter(volumes.values())).grid
        return deep_features(wanted, BundleShelf().find(wanted.bundle), volumes, self.mask, grid, self.segment)

    def _volume(self, measurement: Measurement) -> Volume:
        return _volume(self.image, measurement, self.spacing)


def _preset(preset: Preset | str | Path) -> Preset:
    if isinstance(preset, Preset):
        return preset
    if not isinstance(preset, str | Path):
        raise Permanent("preset", f"it is a {type(preset).__name__}", "give a name, a path or a Preset")
    return read_preset(preset) if isinstance(preset, Path) else find_preset(preset)


def _volume(image: Image | Mapping[str, Image], measurement: Measurement, spacing: Vector | None) -> Volume:
    if isinstance(image, Volume) and spacing is not None and not np.allclose(lengths(spacing), image.grid.spacing):
        raise Permanent("spacing", f"it is {spacing!r}, the volume's {image.grid.spacing}", "leave it out")
    if isinstance(image, Mapping):
        if measurement.role not in image:
            raise Permanent(
                f"image '{measurement.role}'",
                f"the preset measures it, given are {', '.join(sorted(image)) or 'none'}",
                "give an image of that role, or choose another preset",
            )
        image = image[measurement.role]
    if not isinstance(image, Volume):
        return array_volume(image, measurement, spacing)
    if (image.facts.modality, image.facts.unit) != (measurement.modality, measurement.unit):
        given, wanted = f"{image.facts.modality} in {image.facts.unit}", f"{measurement.modality} in {measurement.unit}"
        raise Permanent(f"image '{measurement.role}'", f"it is {given}, the preset measures {wanted}", "choose another")
    return image


def _grid(mask: Mask, volume: Volume, mask_grid: Grid | None, measurement: Measurement) -> Grid:
    grid = mask_grid or volume.grid
    if mask.shape != grid.shape:
        remedy = "give the mask on the image's grid, or say its own in mask_grid"
        where = f"grid {in_words(grid)}" if mask_grid else f"image '{measurement.role}' on grid {in_words(grid)}"
        raise Permanent("mask", f"its shape is {mask.shape}, unlike {where}", remedy)
    return grid
