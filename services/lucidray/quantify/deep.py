"""Deep features: the embedding of a region by a served network, as features beside the handcrafted ones."""

from collections.abc import Mapping

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.contracts.results import DEEP, Feature
from lucidray.core.errors import Permanent
from lucidray.quantify.preset import DeepFeatures
from lucidray.quantify.region import Mask
from lucidray.serving.bundle import Bundle
from lucidray.serving.embedding import embed, embedding_of
from lucidray.serving.engine import open_engine
from lucidray.serving.images import check_images
from lucidray.serving.pooling import Component, undefined


def deep_features(
    wanted: DeepFeatures, bundle: Bundle, volumes: Mapping[str, Volume], mask: Mask, mask_grid: Grid, segment: int
) -> list[Feature]:
    """The embedding of one region.

    Parameters
    ----------
    volumes
        The native volumes, by role.
    mask
        Boolean (z, y, x) on `mask_grid`.
    segment
        Number of the segment, for the result.

    Returns
    -------
    Features of the family 'deep': `filter` is the bundle and the layer, the name pooling and channel ('mean_7').
    Undefined, with the reason, where an image is missing or not what the bundle was made for.

    Raises
    ------
    Permanent
        The bundle embeds nothing, lacks a layer, or its network does not give what its manifest says.
    """
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
        for component in _components(bundle, volumes, mask, mask_grid)
        if not wanted.layers or component.layer in wanted.layers
    ]


def _components(bundle: Bundle, volumes: Mapping[str, Volume], mask: Mask, mask_grid: Grid) -> list[Component]:
    """Undefined where the images are not the bundle's: the handcrafted features of such a case are sound."""
    try:
        check_images(bundle.manifest, volumes)
    except Permanent as error:
        layers, pooling = embedding_of(bundle).layers, embedding_of(bundle).pooling
        return [one for layer in layers for how in pooling for one in undefined(layer, how, error.cause)]
    return embed(bundle, open_engine(bundle), volumes, mask, mask_grid)
