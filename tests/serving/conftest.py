"""Small networks with known layers, and bundles around them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lucidray.serving.bundle import CARD, MODEL, Bundle, write_bundle

OPSET, IR = 18, 10

MakeBundle = Callable[..., Bundle]


def network(nodes: Sequence[Any], outputs: Mapping[str, int], weights: Mapping[str, npt.NDArray[np.float32]]) -> bytes:
    """A network from `image` (1, 1, z, y, x) to outputs of so many axes."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, "z", "y", "x"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * axes) for name, axes in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


@pytest.fixture
def segmenter() -> bytes:
    """Layers: `fine` is (v, -2 v), `rough` their means over blocks of 2 x 4 x 4 voxels; then a mask at full size."""
    weights = {
        "w1": np.array([1, -2], np.float32).reshape(2, 1, 1, 1, 1),
        "w2": np.array([1, 0.5], np.float32).reshape(1, 2, 1, 1, 1),
        "scales": np.array([1, 1, 2, 4, 4], np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["fine"]),
        helper.make_node("AveragePool", ["fine"], ["rough"], kernel_shape=[2, 4, 4], strides=[2, 4, 4]),
        helper.make_node("Resize", ["rough", "", "scales"], ["wide"]),
        helper.make_node("Conv", ["wide", "w2"], ["narrow"]),
        helper.make_node("Sigmoid", ["narrow"], ["mask"]),
    ]
    return network(nodes, {"mask": 5, "fine": 5, "rough": 5}, weights)


@pytest.fixture
def classifier() -> bytes:
    """Layers: `features` is max(v - 1, 0), `code` its mean and twice its mean over the window; then a probability."""
    weights = {
        "bias": np.array(-1, np.float32),
        "w": np.array([[1, 2]], np.float32),
        "v": np.array([[1], [1]], np.float32),
    }
    nodes = [
        helper.make_node("Add", ["image", "bias"], ["shifted"]),
        helper.make_node("Relu", ["shifted"], ["features"]),
        helper.make_node("GlobalAveragePool", ["features"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["code"]),
        helper.make_node("MatMul", ["code", "v"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    return network(nodes, {"probability": 2, "features": 5, "code": 2}, weights)


@pytest.fixture
def make_bundle(tmp_path: Path) -> MakeBundle:
    """A bundle around a network: PET in SUV on 2 mm voxels, windows of 8 x 16 x 16."""

    def make(model: bytes, embedding: Any = None, files: Mapping[str, bytes] | None = None, **changes: Any) -> Bundle:
        content: dict[str, Any] = {
            "name": "net",
            "version": "1.0.0",
            "kind": "segmentation",
            "title": "Test",
            "intended_use": {"statement": "test", "population": "phantoms", "limitations": "test"},
            "inputs": [{"role": "PET", "modality": "PT", "unit": "{SUVbw}g/ml", "outside": 0.0}],
            "grid": {"role": "PET", "spacing": [2.0, 2.0, 2.0]},
            "inference": {"patch": [8, 16, 16], "overlap": 0.5},
            "outputs": [{"name": "mask", "meaning": "test"}],
            "training": {"data": "none", "n": 0},
            "licence": "Apache-2.0",
        } | changes
        if embedding is not None:
            content["embedding"] = embedding
        return write_bundle(
            tmp_path / "shelf" / content["name"], content, {MODEL: model, CARD: b"# Test\n", **(files or {})}
        )

    return make
