"""A segmentation bundle's network on the volumes of a case."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.imaging.resample import ibsi_grid, resample
from lucidray.serving.bundle import Bundle
from lucidray.serving.engine import Engine
from lucidray.serving.manifest import ImageInput, Inference, Manifest
from lucidray.serving.window import sliding_window

Floats = npt.NDArray[np.float32]


def output_map(bundle: Bundle, engine: Engine, volumes: Mapping[str, Volume]) -> tuple[Floats, str]:
    """The network's first output (z, y, x), returned once to the native grid of the role that it names.

    Raises
    ------
    Permanent
        An image is missing, or is not what the bundle was made for; or the bundle is no segmentation.
    """
    manifest = bundle.manifest
    thing = f"bundle '{bundle.name}'"
    if manifest.kind != "segmentation" or manifest.grid is None or manifest.inference is None or not manifest.inputs:
        raise Permanent(thing, "it is not a segmentation bundle", "name one in the step 'segment' of the workflow")
    for image in manifest.inputs:
        _check_input(image, volumes.get(image.role), thing)
    native = volumes[manifest.grid.role].grid
    grid = native if manifest.grid.spacing is None else ibsi_grid(native, manifest.grid.spacing)
    images = {
        image.role: resample(volumes[image.role].voxels, volumes[image.role].grid, grid, outside=image.outside)
        for image in manifest.inputs
    }
    output = _run(manifest, manifest.inference, engine, images)
    returned: Floats = resample(output, grid, native)
    return returned, manifest.grid.role


def _run(manifest: Manifest, inference: Inference, engine: Engine, images: Mapping[str, Floats]) -> Floats:
    output = manifest.outputs[0]
    name = engine.inputs[0]
    prior = inference.only_where

    def network(window: Floats) -> Floats:
        result: Floats = engine.run({name: window})[output.name]
        return result[:, output.index : output.index + 1]

    channels = sliding_window(
        preprocess(manifest, images),
        network,
        inference.patch,
        overlap=inference.overlap,
        blend=inference.blend,
        sigma=inference.sigma,
        padding=inference.padding,
        where=None if prior is None else images[prior.role] >= prior.minimum,
    )
    first: Floats = channels[0]
    return first


def preprocess(manifest: Manifest, images: Mapping[str, Floats]) -> Floats:
    """Channels (channel, z, y, x) in the order of the manifest's inputs."""
    channels = np.stack([images[image.role] for image in manifest.inputs])
    position = {image.role: index for index, image in enumerate(manifest.inputs)}
    for operation in manifest.preprocessing:
        channel = channels[position[operation.role]]
        if operation.operation == "clip":
            np.clip(channel, operation.a, operation.b, out=channel)
        else:
            channel -= np.float32(operation.a)
            channel /= np.float32(operation.b)
    return channels


def _check_input(image: ImageInput, volume: Volume | None, thing: str) -> None:
    remedy = "use a bundle made for such images, or correct `select` in the workflow"
    if volume is None:
        raise Permanent(thing, f"it needs an image of role '{image.role}', which the case has not", remedy)
    if (volume.facts.modality, volume.facts.unit) != (image.modality, image.unit):
        raise Permanent(
            thing,
            f"role '{image.role}' is {volume.facts.modality} in {volume.facts.unit}, "
            f"not {image.modality} in {image.unit}",
            remedy,
        )
    done = str(volume.facts.scanner.get("CorrectedImage", "")).split("\\")
    if lacking := sorted(set(image.corrections) - set(done)):
        raise Permanent(thing, f"role '{image.role}' lacks the corrections {', '.join(lacking)}", remedy)
    if image.spacing_limits is not None and not _within(volume.grid, image):
        shown = " x ".join(f"{each:.3g}" for each in volume.grid.spacing)
        raise Permanent(thing, f"role '{image.role}' has voxels of {shown} mm (z, y, x), outside its limits", remedy)


def _within(grid: Grid, image: ImageInput) -> bool:
    limits = image.spacing_limits or ()
    return all(low <= each <= high for each, (low, high) in zip(grid.spacing, limits, strict=True))
