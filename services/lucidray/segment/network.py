"""A segmentation bundle's network on the volumes of a case."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.imaging.resample import resample
from lucidray.serving.bundle import Bundle
from lucidray.serving.engine import Engine
from lucidray.serving.images import check_images, network_grid, preprocess, resampled
from lucidray.serving.manifest import Inference, Manifest
from lucidray.serving.preprocessing import Preprocessing
from lucidray.serving.scale import settled
from lucidray.serving.window import sliding_window

Floats = npt.NDArray[np.float32]


def output_map(bundle: Bundle, engine: Engine, volumes: Mapping[str, Volume]) -> tuple[Floats, str]:
    """The network's first output (z, y, x), returned once to the native grid of the role that it names.

    Raises
    ------
    Permanent
        An image is missing, not what the bundle was made for, or gives no scale; or the bundle is no segmentation.
    """
    manifest = bundle.manifest
    thing = f"bundle '{bundle.name}'"
    if manifest.kind != "segmentation" or manifest.grid is None or manifest.inference is None or not manifest.inputs:
        raise Permanent(thing, "it is not a segmentation bundle", "name one in the step 'segment' of the workflow")
    check_images(manifest, volumes)
    grid = network_grid(manifest.grid, volumes)
    operations = settled(manifest.preprocessing, volumes)
    output = _run(manifest, manifest.inference, engine, resampled(manifest, volumes, grid), operations)
    returned: Floats = resample(output, grid, volumes[manifest.grid.role].grid)
    return returned, manifest.grid.role


def _run(
    manifest: Manifest,
    inference: Inference,
    engine: Engine,
    images: Mapping[str, Floats],
    operations: Sequence[Preprocessing],
) -> Floats:
    output = manifest.outputs[0]
    name = engine.inputs[0]
    prior = inference.only_where

    def network(window: Floats) -> Floats:
        result: Floats = engine.run({name: window})[output.name]
        return result[:, output.index : output.index + 1]

    channels = sliding_window(
        preprocess(manifest, operations, images),
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
