"""Engine: the asked provider or none, one load per bundle."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from lucidray.core.errors import Permanent
from lucidray.serving.bundle import Bundle, write_bundle
from lucidray.serving.engine import OnnxRuntimeEngine, open_engine
from lucidray.serving.settings import ServingSettings

SETTINGS = ServingSettings(threads=1)


def doubling() -> bytes:
    """y = x + x."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "doubling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def bundle(folder: Path, model: bytes) -> Bundle:
    content = {
        "name": "doubling",
        "version": "1.0.0",
        "kind": "tabular",
        "title": "Doubling",
        "intended_use": {"statement": "tests", "population": "none", "limitations": "none"},
        "outputs": [{"name": "y", "meaning": "twice"}],
        "training": {"data": "none", "n": 0},
        "licence": "Apache-2.0",
    }
    return write_bundle(folder, content, {"model.onnx": model, "card.md": b"# Doubling\n"})


def test_runs_by_name() -> None:
    engine = OnnxRuntimeEngine(doubling(), SETTINGS)
    assert (engine.inputs, engine.outputs) == (["x"], ["y"])
    result = engine.run({"x": np.array([[1, 2]], np.float32)})
    assert np.array_equal(result["y"], [[2, 4]])


def test_absent_provider_is_refused_instead_of_falling_back() -> None:
    with pytest.raises(Permanent, match="execution provider CUDAExecutionProvider"):
        OnnxRuntimeEngine(doubling(), ServingSettings(provider="CUDAExecutionProvider"))


def test_broken_graph_is_named(tmp_path: Path) -> None:
    broken = bundle(tmp_path, b"not a graph")
    with pytest.raises(Permanent, match="bundle 'doubling', file model.onnx.*does not load"):
        open_engine(broken, settings=SETTINGS)


def test_wrong_feed_is_named_by_shape() -> None:
    with pytest.raises(Permanent, match=r"x float32 \(1, 3\)"):
        OnnxRuntimeEngine(doubling(), SETTINGS).run({"x": np.zeros((1, 3), np.float32)})


def test_loaded_once_per_digest(tmp_path: Path) -> None:
    first, twin = bundle(tmp_path / "a", doubling()), bundle(tmp_path / "b", doubling())
    assert open_engine(first, settings=SETTINGS) is open_engine(twin, settings=SETTINGS)


def test_changed_model_is_not_loaded(tmp_path: Path) -> None:
    changed = bundle(tmp_path, doubling())
    (tmp_path / "model.onnx").write_bytes(b"tampered")
    fresh = Bundle(changed.folder, changed.manifest, "0" * 64)  # as if never loaded
    with pytest.raises(Permanent, match="SHA-256"):
        open_engine(fresh, settings=SETTINGS)
