"""Deep features under perturbation."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lucidray.contracts.images import Volume
from lucidray.contracts.results import Feature
from lucidray.lab.robustness.perturbation import Chain, Lesion, perturbed_together
from lucidray.quantify.deep import deep_features
from lucidray.quantify.preset import DeepFeatures
from lucidray.serving.bundle import Bundle, BundleShelf
from lucidray.serving.images import check_images
from lucidray.serving.preprocessing import is_by_region
from lucidray.serving.scale import settled


def embedded(
    wanted: DeepFeatures, lesions: Mapping[str, Lesion], chain: Chain, draws: np.random.Generator
) -> list[Feature]:
    """The embedding of one region under one draw, on the network's own grid; `lesions` by role.

    Scales that the bundle takes from the whole image are those of the unperturbed one.

    Raises
    ------
    Permanent
        The bundle embeds nothing, or the images are not what it was made for.
    """
    bundle = BundleShelf().find(wanted.bundle)
    whole = {role: each.volume for role, each in lesions.items()}
    check_images(bundle.manifest, whole)
    rule = bundle.manifest.grid
    # The image that gives the grid comes first.
    inputs = sorted(bundle.manifest.inputs, key=lambda image: rule is None or image.role != rule.role)
    others = perturbed_together(
        [lesions[image.role] for image in inputs],
        rule.spacing if rule else None,
        chain,
        draws,
        outside=[image.outside for image in inputs],
    )
    volumes = {image.role: each.volume for image, each in zip(inputs, others, strict=True)}
    return deep_features(wanted, _for_parts(bundle, whole), volumes, others[0].mask, others[0].grid, 1)


def _for_parts(bundle: Bundle, whole: Mapping[str, Volume]) -> Bundle:
    """The bundle for resampled parts of images: limits of native spacing are checked by now, scales are known."""
    manifest = bundle.manifest
    inputs = [image.model_copy(update={"spacing_limits": None}) for image in manifest.inputs]
    by_region = {each.role for each in manifest.preprocessing if is_by_region(each)}
    operations = [
        *settled([each for each in manifest.preprocessing if each.role not in by_region], whole),
        *(each for each in manifest.preprocessing if each.role in by_region),
    ]
    return replace(bundle, manifest=manifest.model_copy(update={"inputs": inputs, "preprocessing": operations}))
