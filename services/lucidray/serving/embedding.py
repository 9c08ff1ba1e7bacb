"""A region as a vector: what a network's layers make of it.

Bundles expose layers, fine to rough, as outputs of their network; their activations are pooled over the region on each
layer's own grid (Bizzego et al. 2019, IEEE CIBCB, and Paul et al. 2016, Tomography 2:388, for the idea of deep
radiomics beside handcrafted features).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.imaging.crop import crop
from lucidray.imaging.resample import resample_mask
from lucidray.serving.bundle import Bundle
from lucidray.serving.embedding_spec import Embedding, EmbeddingLayer
from lucidray.serving.engine import Engine
from lucidray.serving.images import check_images, network_grid, preprocess, resampled
from lucidray.serving.normalisation import normalised
from lucidray.serving.pooling import Activations, Component, pool, undefined
from lucidray.serving.scale import Place, settled
from lucidray.serving.tiles import Tile, tiles_around

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def embed(
    bundle: Bundle, engine: Engine, volumes: Mapping[str, Volume], mask: Mask, mask_grid: Grid
) -> list[Component]:
    """The embedding of a region, normalised as the bundle says; layer by layer, pooling by pooling.

    Parameters
    ----------
    volumes
        The native volumes, by role.
    mask
        Boolean (z, y, x) on `mask_grid`.

    Returns
    -------
    Mean and standard deviation weigh each voxel of a layer by the share of it that the region covers; the maximum is
    over those at least half covered, or the best covered where none is.

    Raises
    ------
    UnfitImage
        An image is missing, not what the bundle was made for, or does not vary where it should give its scale.
    Permanent
        The bundle does not embed, or its network does not give what the manifest says.
    """
    embedding = embedding_of(bundle)
    found = _activations(bundle, engine, volumes, mask, mask_grid)
    pooled = [
        component
        for layer in embedding.layers
        for pooling in embedding.pooling
        for component in pool(layer, pooling, found.get(layer.name))
    ]
    return normalised(bundle, embedding, pooled)


def nothing(bundle: Bundle, reason: str) -> list[Component]:
    """The components of a region that cannot be embedded."""
    embedding = embedding_of(bundle)
    return [one for layer in embedding.layers for how in embedding.pooling for one in undefined(layer, how, reason)]


def embedding_of(bundle: Bundle) -> Embedding:
    """How a bundle embeds; Permanent if it does not."""
    manifest = bundle.manifest
    if manifest.embedding is None or manifest.grid is None or manifest.inference is None:
        raise _broken(bundle, "its manifest lacks 'embedding', 'grid' or 'inference': it embeds nothing")
    return manifest.embedding


def _activations(
    bundle: Bundle, engine: Engine, volumes: Mapping[str, Volume], mask: Mask, mask_grid: Grid
) -> dict[str, Activations]:
    """By layer; none where nothing of the region lies on the network's grid."""
    manifest = bundle.manifest
    embedding, rule, inference = embedding_of(bundle), manifest.grid, manifest.inference
    assert rule is not None and inference is not None  # noqa: S101  # as embedding_of has seen
    check_images(manifest, volumes)
    if not mask.any():
        return {}
    strides = [layer.stride for layer in embedding.layers if layer.stride]
    tiling = tiles_around(network_grid(rule, volumes), mask, mask_grid, inference.patch, inference.overlap, strides)
    inside = resample_mask(*crop(mask, mask_grid, tiling.area), tiling.area)
    operations = settled(manifest.preprocessing, volumes, Place(mask, mask_grid))
    channels = preprocess(manifest, operations, resampled(manifest, volumes, tiling.area))
    parts: dict[str, list[Activations]] = {}
    for tile in tiling.tiles:
        if inside[tile.core].any():
            outputs = engine.run({engine.inputs[0]: np.ascontiguousarray(channels[(slice(None), *tile.window)])[None]})
            for layer in embedding.layers:
                parts.setdefault(layer.name, []).append(_touched(bundle, layer, outputs, inside, tile))
    return {
        name: Activations(
            np.concatenate([each.values for each in found], axis=1), np.concatenate([each.covered for each in found])
        )
        for name, found in parts.items()
    }


def _touched(
    bundle: Bundle, layer: EmbeddingLayer, outputs: Mapping[str, npt.NDArray[np.float32]], inside: Mask, tile: Tile
) -> Activations:
    """What one window adds: its core, where no other window counts."""
    patch = tuple(each.stop - each.start for each in tile.window)
    expected: tuple[int, ...] = (1, layer.channels)
    if layer.stride:
        expected += tuple(size // step for size, step in zip(patch, layer.stride, strict=True))
    output = outputs.get(layer.output)
    if output is None or output.shape != expected:
        found = "absent" if output is None else f"of shape {output.shape}"
        raise _broken(bundle, f"output '{layer.output}' of layer '{layer.name}' is {found}, not of shape {expected}")
    if layer.stride is None:  # a whole window: weighted by how much of the region its core holds
        return Activations(output[0, :, None].astype(np.float64), np.array([float(inside[tile.core].sum())]))
    covered = _block_means(inside[tile.core], layer.stride)
    local = tuple(
        slice((core.start - window.start) // step, (core.stop - window.start) // step)
        for core, window, step in zip(tile.core, tile.window, layer.stride, strict=True)
    )
    touched = covered > 0
    return Activations(output[0][(slice(None), *local)][:, touched].astype(np.float64), covered[touched])


def _block_means(inside: Mask, stride: tuple[int, int, int]) -> Floats:
    z, y, x = (size // step for size, step in zip(inside.shape, stride, strict=True))
    blocks = inside.reshape(z, stride[0], y, stride[1], x, stride[2])
    means: Floats = blocks.mean(axis=(1, 3, 5))
    return means


def _broken(bundle: Bundle, cause: str) -> Permanent:
    return Permanent(f"bundle '{bundle.name}'", cause, "pack its embedding again: `lucidray embedding pack`")
