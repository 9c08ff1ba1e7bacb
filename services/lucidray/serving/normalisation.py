"""Embeddings on a common scale, by what the bundle froze when it was packed."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import replace

from lucidray.core.errors import Permanent
from lucidray.serving.bundle import Bundle
from lucidray.serving.embedding_spec import Embedding
from lucidray.serving.pooling import Component

Statistics = Mapping[tuple[str, str], tuple[float, float]]


def normalised(bundle: Bundle, embedding: Embedding, components: list[Component]) -> list[Component]:
    """As the bundle says.

    Raises
    ------
    Permanent
        Its statistics do not read, or lack a component.
    """
    if embedding.normalisation == "zscore":
        statistics = read_statistics(bundle, embedding)
        return [_zscore(bundle, each, statistics) for each in components]
    return _unit_length(components) if embedding.normalisation == "l2" else components


def read_statistics(bundle: Bundle, embedding: Embedding) -> Statistics:
    """Mean and standard deviation in training, by layer and name of the component.

    Raises
    ------
    Permanent
        The bundle has no such file, or it does not read.
    """
    name = embedding.statistics or ""
    try:
        rows = list(csv.DictReader(io.StringIO(bundle.read(name).decode())))
        return {(row["layer"], row["component"]): (float(row["mean"]), float(row["std"])) for row in rows}
    except (KeyError, ValueError) as error:
        raise _broken(bundle, f"its file {name} does not read ({type(error).__name__})") from None


def _zscore(bundle: Bundle, component: Component, statistics: Statistics) -> Component:
    try:
        mean, std = statistics[component.layer, component.name]
    except KeyError:
        raise _broken(bundle, f"its statistics lack {component.name} of layer '{component.layer}'") from None
    if component.value is None:
        return component
    if std == 0:
        return replace(component, value=None, reason="it did not vary in training")
    return replace(component, value=(component.value - mean) / std)


def _unit_length(components: list[Component]) -> list[Component]:
    """Each layer's pooled vector over its own Euclidean length."""
    squares: dict[tuple[str, str], float] = {}
    for each in components:
        key = each.layer, each.pooling
        squares[key] = squares.get(key, 0.0) + (each.value or 0.0) ** 2
    return [_over(each, math.sqrt(squares[each.layer, each.pooling])) for each in components]


def _over(component: Component, length: float) -> Component:
    if component.value is None:
        return component
    if length == 0:
        return replace(component, value=None, reason="the layer is silent in the region")
    return replace(component, value=component.value / length)


def _broken(bundle: Bundle, cause: str) -> Permanent:
    return Permanent(f"bundle '{bundle.name}'", cause, "pack its embedding again: `lucidray embedding pack`")
