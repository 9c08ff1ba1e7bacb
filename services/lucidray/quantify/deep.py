"""Deep features: the embedding of a region by a served network, as features beside the handcrafted ones."""

from collections.abc import Mapping

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.contracts.results import DEEP, Feature
from lucidray.quantify.preset import DeepFeatures
from lucidray.quantify.region import Mask
from lucidray.serving.bundle import Bundle
from lucidray.serving.embedding import embed, nothing
from lucidray.serving.engine import open_engine
from lucidray.serving.scale import UnfitImage


def deep_features(
    wanted: DeepFeatures, bundle: Bundle, volumes: Mapping[str, Volume], mask: Mask, mask_grid: Grid, segment: int
) -> list[Feature]:
    """The embedding of one region, named by its `segment`; the other arguments are those of `serving.embedding.embed`.

    Returns
    -------
    Features of the family 'deep': `filter` is the bundle and the layer, the name pooling and channel ('mean_7').
    Undefined, with the reason, where an image is not what the bundle was made for: the handcrafted features of such a
    case are sound.
    """
    try:
        components = embed(bundle, open_engine(bundle), volumes, mask, mask_grid)
    except UnfitImage as error:
        components = nothing(bundle, error.cause)
    roles = "+".join(image.role for image in bundle.manifest.inputs)
    return [
        Feature(
            name=component.name,
            family=DEEP,
            filter=f"{bundle.name} {component.layer}",
            value=component.value,
            reason=component.reason,
            image_role=roles,
            segment=segment,
        )
        for component in components
        if not wanted.layers or component.layer in wanted.layers
    ]
