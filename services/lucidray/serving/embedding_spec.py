"""What a bundle says of embeddings: its own, and those that its model takes from another bundle."""

from typing import Literal, Self

from pydantic import Field, model_validator

from lucidray.serving.fields import FileName, Model, Range, Sha256

Pooling = Literal["mean", "max", "std"]


class EmbeddingLayer(Model):
    """A layer whose activations describe a region."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    output: str = Field(description="Name of the ONNX output that carries it: (1, channels, z, y, x) or (1, channels)")
    channels: int = Field(ge=1)
    stride: tuple[int, int, int] | None = Field(
        None, description="Voxels of the network's grid that a voxel of the layer stands for; none: a whole window"
    )


class Embedding(Model):
    """How a region becomes a vector: layers, fine to rough, pooled over the region. Needs `inference` and `grid`."""

    layers: list[EmbeddingLayer] = Field(min_length=1)
    pooling: list[Pooling] = Field(["mean", "max", "std"], min_length=1)
    normalisation: Literal["none", "zscore", "l2"] = Field(
        "none",
        description="zscore: by mean and standard deviation in training, which are in `statistics`; l2: each layer's "
        "pooled vector to unit length",
    )
    statistics: FileName | None = Field(None, description="CSV: layer, component, mean, std, ... in training")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.normalisation == "zscore" and self.statistics is None:
            raise ValueError("zscore needs statistics")
        if len({each.name for each in self.layers}) < len(self.layers):
            raise ValueError("a layer is named twice")
        return self


class EmbeddingInput(Model):
    """One component of a network's embedding that the model needs, after features and clinical variables."""

    name: str = Field(description="Unique name of this input, e.g. 'bottleneck mean 7'")
    bundle: str = Field(description="Name of the bundle whose network embeds")
    digest: Sha256 = Field(description="And its digest: another network's numbers mean something else")
    layer: str
    component: str = Field(description="e.g. 'mean_7', as in contracts.results.Feature.name")
    mean: float | None = Field(None, description="Mean in training: the reference of explanations")
    reference: Range | None = Field(None, description="5th and 95th percentile in training")
    limits: Range | None = Field(None, description="Outside these the prediction is withheld")
    on_missing: Literal["withhold", "mean"] = "withhold"
