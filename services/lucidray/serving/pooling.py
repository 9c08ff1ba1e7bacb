"""From the activations in a region to one number a channel."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.serving.embedding_spec import EmbeddingLayer, Pooling

Floats = npt.NDArray[np.float64]
_HALF = 0.5  # a voxel of a layer belongs to the region where at least half of it does


@dataclass(frozen=True)
class Component:
    """One number of an embedding."""

    layer: str
    pooling: Pooling
    channel: int
    value: float | None
    reason: str = ""  # why there is no value

    @property
    def name(self) -> str:
        """Within its layer, e.g. 'mean_7'."""
        return f"{self.pooling}_{self.channel}"


@dataclass(frozen=True)
class Activations:
    """Voxels of one layer that the region touches: (channels, voxels), and the share of each that it covers."""

    values: Floats
    covered: Floats


def pool(layer: EmbeddingLayer, pooling: Pooling, found: Activations | None) -> list[Component]:
    """One component for each channel; see `embedding.embed`. `found` is none outside the image."""
    if found is None:
        return undefined(layer, pooling, "nothing of the region lies on the network's grid")
    values, weights = found.values, found.covered
    if pooling == "max":
        pooled = values[:, weights >= min(_HALF, float(weights.max()))].max(axis=1)
    elif pooling == "std" and len(weights) < 2:  # noqa: PLR2004
        return undefined(layer, pooling, "the region touches a single voxel of the layer")
    else:
        # Not as a matrix product: its order of summation depends on the number of threads.
        pooled = np.sum(values * weights, axis=1) / weights.sum()
        if pooling == "std":
            pooled = np.sqrt(np.sum((values - pooled[:, None]) ** 2 * weights, axis=1) / weights.sum())
    return [Component(layer.name, pooling, channel, float(value)) for channel, value in enumerate(pooled)]


def undefined(layer: EmbeddingLayer, pooling: Pooling, reason: str) -> list[Component]:
    """A layer's components without values."""
    return [Component(layer.name, pooling, channel, None, reason) for channel in range(layer.channels)]
