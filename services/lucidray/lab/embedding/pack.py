"""A bundle that embeds, from one that does not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from lucidray.core.errors import Permanent
from lucidray.lab.embedding.cohort import REDUNDANT, CohortEmbedding, redundancy, statistics_csv
from lucidray.lab.embedding.layers import describe_layers, expose
from lucidray.serving.bundle import CARD, MANIFEST, MODEL, Bundle, write_bundle

STATISTICS = "embedding.csv"

Normalisation = Literal["none", "zscore", "l2"]


def with_layers(bundle: Bundle, folder: Path, version: str, layers: Mapping[str, str], normalisation: str) -> Bundle:
    """The bundle in a new folder and version, its network giving the layers; nothing is frozen yet.

    Parameters
    ----------
    layers
        Tensor inside the network, by the name that the layer is to have; fine to rough.

    Raises
    ------
    Permanent
        There is no such tensor, it is on no regular grid, or the bundle has no window and grid.
    """
    manifest = bundle.manifest
    if manifest.inference is None or manifest.grid is None:
        raise Permanent(f"bundle '{bundle.name}'", "it has no 'inference' and 'grid'", "only image bundles embed")
    network = expose(bundle.read(MODEL), list(layers.values()))
    described = describe_layers(network, layers, len(manifest.inputs), manifest.inference.patch)
    embedding: dict[str, Any] = {
        "layers": [each.model_dump(mode="json", exclude_none=True) for each in described],
        "pooling": ["mean", "max", "std"],
        "normalisation": normalisation,
    }
    return _repacked(bundle, folder, {"version": version, "embedding": embedding}, {MODEL: network})


def freeze(bundle: Bundle, cohort: CohortEmbedding, normalisation: Normalisation, data: str) -> Bundle:
    """The bundle, in its own folder, with the statistics of a cohort and a section on them in its card."""
    embedding = _content(bundle)["embedding"] | {"normalisation": normalisation, "statistics": STATISTICS}
    files = {STATISTICS: statistics_csv(cohort).encode(), CARD: _card(bundle, cohort, normalisation, data).encode()}
    return _repacked(bundle, bundle.folder, {"embedding": embedding}, files)


def _card(bundle: Bundle, cohort: CohortEmbedding, normalisation: str, data: str) -> str:
    found = redundancy(cohort)
    rows = []
    for layer in dict.fromkeys(each.layer for each in cohort.components):
        own = [one for one, each in zip(found, cohort.components, strict=True) if each.layer == layer]
        volume, intensity = (
            np.median([abs(getattr(one, name) or 0) for one in own]) for name in ("volume", "intensity")
        )
        alike = sum(one.redundant for one in own)
        rows.append(f"| {layer} | {len(own)} | {volume:.2f} | {intensity:.2f} | {alike} |")
    return f"""{bundle.read(CARD).decode().rstrip()}

## Embedding
Layers of the network, pooled over the region; normalisation: {normalisation}. Statistics of {len(cohort.volume)}
lesions ({data}) are frozen in `{STATISTICS}`, with the rank correlation of each component with the volume of the
lesion and with its mean intensity. A component that either explains ({REDUNDANT:g} or more) adds little to them.

| layer | components | median correlation with volume | with intensity | explained by one of them |
|---|---|---|---|---|
{chr(10).join(rows)}
"""


def _content(bundle: Bundle) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((bundle.folder / MANIFEST).read_text("utf-8"))
    return content


def _repacked(bundle: Bundle, folder: Path, changes: Mapping[str, Any], files: Mapping[str, bytes]) -> Bundle:
    content = {**_content(bundle), **changes}
    kept = {name: bundle.read(name) for name in content.pop("files")}
    return write_bundle(folder, content, {**kept, **files})
