"""Layers of a network: which there are, and how they become outputs that serving can read without the onnx package."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from lucidray.core.errors import Permanent
from lucidray.serving.embedding_spec import EmbeddingLayer
from lucidray.serving.engine import OnnxRuntimeEngine
from lucidray.serving.settings import ServingSettings

_SPATIAL, _VECTOR = 5, 2  # axes of (1, channels, z, y, x) and of (1, channels)

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Tensor:
    """A result inside a network, for a window of the bundle's size."""

    name: str
    operation: str  # the ONNX operator that gives it
    shape: tuple[int, ...]


def tensors(model: bytes, channels: int, patch: Shape) -> list[Tensor]:
    """Results that can be pooled: activations (1, channels, z, y, x) and vectors (1, channels), in the network's order.

    Parameters
    ----------
    channels
        Images that go in.
    patch
        Window (z, y, x), voxels.
    """
    network = onnx.load_model_from_string(model)
    _fix_input(network, channels, patch)
    inferred = onnx.shape_inference.infer_shapes(network, data_prop=True)
    values = (*inferred.graph.value_info, *inferred.graph.output)
    shapes = {each.name: _shape(each) for each in values if _is_float(each)}
    return [
        Tensor(name, node.op_type, shapes[name])
        for node in network.graph.node
        for name in node.output
        if len(shapes.get(name, ())) in (_SPATIAL, _VECTOR) and all(shapes[name])
    ]


def expose(model: bytes, names: list[str]) -> bytes:
    """The network with these results as further outputs; the same arguments give the same bytes.

    Raises
    ------
    Permanent
        It has no such result, or one of other values than float32.
    """
    network = onnx.load_model_from_string(model)
    known = {name for node in network.graph.node for name in node.output}
    outputs = {each.name for each in network.graph.output}
    for name in names:
        if name not in known:
            raise Permanent(f"tensor '{name}'", "the network has none of that name", "see `lucidray embedding layers`")
        value = _value_of(network, name)
        if not _is_float(value):
            raise Permanent(f"tensor '{name}'", "its values are not float32", "see `lucidray embedding layers`")
        if name not in outputs:
            rank = len(_shape(value))
            network.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank))
    onnx.checker.check_model(network)
    return bytes(network.SerializeToString(deterministic=True))


def describe_layers(model: bytes, layers: Mapping[str, str], channels: int, patch: Shape) -> list[EmbeddingLayer]:
    """The manifest's entries for exposed layers, measured by running the network once on zeros.

    Parameters
    ----------
    layers
        Output of the network, by the name that the layer is to have.

    Raises
    ------
    Permanent
        A layer is not on a regular grid of the window: its strides are no whole numbers.
    """
    engine = OnnxRuntimeEngine(model, ServingSettings(threads=1))
    results = engine.run({engine.inputs[0]: np.zeros((1, channels, *patch), np.float32)})
    return [_layer(name, output, results[output].shape, patch) for name, output in layers.items()]


def _layer(name: str, output: str, shape: tuple[int, ...], patch: Shape) -> EmbeddingLayer:
    if len(shape) == _VECTOR:
        return EmbeddingLayer(name=name, output=output, channels=shape[1])
    if len(shape) != _SPATIAL or any(size % len_ for size, len_ in zip(patch, shape[2:], strict=True)):
        raise Permanent(
            f"layer '{name}'",
            f"its shape is {shape} for a window of {patch}: no regular grid of it",
            "choose a layer whose convolutions keep the size (padding 'same'), or another window",
        )
    z, y, x = (size // length for size, length in zip(patch, shape[2:], strict=True))
    return EmbeddingLayer(name=name, output=output, channels=shape[1], stride=(z, y, x))


def _fix_input(network: Any, channels: int, patch: Shape) -> None:
    sizes = (1, channels, *patch)
    for dimension, size in zip(network.graph.input[0].type.tensor_type.shape.dim, sizes, strict=True):
        dimension.dim_value = size


def _shape(value: Any) -> tuple[int, ...]:
    """Zero where it is not known."""
    return tuple(dimension.dim_value for dimension in value.type.tensor_type.shape.dim)


def _is_float(value: Any) -> bool:
    return bool(value.type.tensor_type.elem_type == TensorProto.FLOAT)


def _value_of(network: Any, name: str) -> Any:
    inferred = onnx.shape_inference.infer_shapes(network)
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        if value.name == name:
            return value
    raise Permanent(f"tensor '{name}'", "onnx cannot tell its shape", "choose another")
