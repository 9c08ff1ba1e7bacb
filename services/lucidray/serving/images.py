"""The images of a case as a bundle's network wants them."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.imaging.crop import crop
from lucidray.imaging.resample import ibsi_grid, resample
from lucidray.serving.manifest import GridRule, ImageInput, Manifest
from lucidray.serving.preprocessing import Preprocessing
from lucidray.serving.scale import UnfitImage, apply

Floats = npt.NDArray[np.float32]


def check_images(manifest: Manifest, volumes: Mapping[str, Volume]) -> None:
    """Hold the images against the bundle's inputs.

    Raises
    ------
    UnfitImage
        One is missing, or is not what the bundle was made for.
    """
    for image in manifest.inputs:
        _check_input(image, volumes.get(image.role), f"bundle '{manifest.name}'")


def network_grid(rule: GridRule, volumes: Mapping[str, Volume]) -> Grid:
    """The grid that the network sees, over the whole of the image that gives it."""
    native = volumes[rule.role].grid
    return native if rule.spacing is None else ibsi_grid(native, rule.spacing)


def resampled(manifest: Manifest, volumes: Mapping[str, Volume], grid: Grid) -> dict[str, Floats]:
    """Each input (z, y, x) on a grid, by role, from its native voxels; float32, as networks take it."""
    images = {}
    for image in manifest.inputs:
        voxels, part = crop(volumes[image.role].voxels, volumes[image.role].grid, grid)
        images[image.role] = resample(voxels, part, grid, outside=image.outside).astype(np.float32, copy=False)
    return images


def preprocess(manifest: Manifest, operations: Sequence[Preprocessing], images: Mapping[str, Floats]) -> Floats:
    """Channels (channel, z, y, x) in the order of the manifest's inputs.

    Parameters
    ----------
    operations
        The manifest's, `scale.settled` for the native images.
    """
    channels = np.stack([images[image.role] for image in manifest.inputs])
    position = {image.role: index for index, image in enumerate(manifest.inputs)}
    for operation in operations:
        channel = channels[position[operation.role]]
        apply(operation, channel)
        if operation.zeros == "stay":
            channel[images[operation.role] == 0] = 0
    return channels


def _check_input(image: ImageInput, volume: Volume | None, thing: str) -> None:
    remedy = "use a bundle made for such images, or correct `select` in the workflow"
    if volume is None:
        raise UnfitImage(thing, f"it needs an image of role '{image.role}', which the case has not", remedy)
    if (volume.facts.modality, volume.facts.unit) != (image.modality, image.unit):
        raise UnfitImage(
            thing,
            f"role '{image.role}' is {volume.facts.modality} in {volume.facts.unit}, "
            f"not {image.modality} in {image.unit}",
            remedy,
        )
    done = str(volume.facts.scanner.get("CorrectedImage", "")).split("\\")
    if lacking := sorted(set(image.corrections) - set(done)):
        raise UnfitImage(thing, f"role '{image.role}' lacks the corrections {', '.join(lacking)}", remedy)
    if image.spacing_limits is not None and not _within(volume.grid, image):
        shown = " x ".join(f"{each:.3g}" for each in volume.grid.spacing)
        raise UnfitImage(thing, f"role '{image.role}' has voxels of {shown} mm (z, y, x), outside its limits", remedy)


def _within(grid: Grid, image: ImageInput) -> bool:
    limits = image.spacing_limits or ()
    return all(low <= each <= high for each, (low, high) in zip(grid.spacing, limits, strict=True))
