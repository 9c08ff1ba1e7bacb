"""Deep features under perturbation."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lucidray.contracts.results import Feature
from lucidray.lab.robustness.perturbation import Chain, Lesion, perturbed_together
from lucidray.quantify.deep import deep_features
from lucidray.quantify.preset import DeepFeatures
from lucidray.serving.bundle import Bundle, BundleShelf
from lucidray.serving.images import check_images


def embedded(
    wanted: DeepFeatures, lesions: Mapping[str, Lesion], chain: Chain, draws: np.random.Generator
) -> list[Feature]:
    """The embedding of one region under one draw, on the network's own grid; `lesions` by role.

    Raises
    ------
    Permanent
        The bundle embeds nothing, or the images are not what it was made for.
    """
    bundle = BundleShelf().find(wanted.bundle)
    check_images(bundle.manifest, {role: each.volume for role, each in lesions.items()})
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
    return deep_features(wanted, _unlimited(bundle), volumes, others[0].mask, others[0].grid, 1)


def _unlimited(bundle: Bundle) -> Bundle:
    """Without limits of native spacing, which were checked before resampling."""
    inputs = [image.model_copy(update={"spacing_limits": None}) for image in bundle.manifest.inputs]
    return replace(bundle, manifest=bundle.manifest.model_copy(update={"inputs": inputs}))
