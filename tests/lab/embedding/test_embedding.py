"""From a network to a bundle that embeds."""

import csv
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from lucidray.core.errors import Permanent
from lucidray.lab.embedding.cohort import (
    LEAST,
    CohortEmbedding,
    embed_subject,
    gather,
    redundancy,
    roles_as_preset,
    statistics_csv,
)
from lucidray.lab.embedding.command import layers_table
from lucidray.lab.embedding.layers import describe_layers, expose, tensors
from lucidray.lab.embedding.pack import with_layers
from lucidray.lab.features.cohort import read_cohort
from lucidray.launcher.main import app
from lucidray.serving.bundle import CARD, MODEL, Bundle, load_bundle, write_bundle
from lucidray.serving.engine import OnnxRuntimeEngine
from lucidray.serving.pooling import Component
from lucidray.serving.settings import ServingSettings

PATCH = (8, 16, 16)
RNG = np.random.default_rng(5)


def filters(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> bytes:
    """A segmentation network of three levels that answers at full size, and a layer without padding beside it."""
    same: Any = {"kernel_shape": [3, 3, 3], "pads": [1] * 6}
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["c1"], **same),
        helper.make_node("Relu", ["c1"], ["fine"]),
        helper.make_node("MaxPool", ["fine"], ["p1"], kernel_shape=[2, 2, 2], strides=[2, 2, 2]),
        helper.make_node("Conv", ["p1", "w2"], ["c2"], **same),
        helper.make_node("Relu", ["c2"], ["rough"]),
        helper.make_node("Conv", ["rough", "w3"], ["shrunk"], kernel_shape=[3, 3, 3]),
        helper.make_node("GlobalAveragePool", ["shrunk"], ["g"]),
        helper.make_node("Flatten", ["g"], ["code"]),
        helper.make_node("Resize", ["rough", "", "scales"], ["wide"]),
        helper.make_node("Conv", ["wide", "w4"], ["logit"], **same),
        helper.make_node("Sigmoid", ["logit"], ["mask"]),
    ]
    weights = {"w1": np.abs(filters(2, 1, 3, 3, 3)), "w2": np.abs(filters(3, 2, 3, 3, 3)), "w3": filters(4, 3, 3, 3, 3)}
    weights |= {"w4": filters(1, 3, 3, 3, 3), "scales": np.array([1, 1, 2, 2, 2], np.float32)}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, "z", "y", "x"])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, "z", "y", "x"])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString(deterministic=True))


@pytest.fixture
def bundle(tmp_path: Path, network: bytes) -> Bundle:
    content = {
        "name": "net",
        "version": "1.0.0",
        "kind": "segmentation",
        "title": "Test",
        "intended_use": {"statement": "test", "population": "phantoms", "limitations": "test"},
        "inputs": [{"role": "PET", "modality": "PT", "unit": "{SUVbw}g/ml"}],
        "grid": {"role": "PET", "spacing": [2.0, 2.0, 2.0]},
        "inference": {"patch": list(PATCH)},
        "outputs": [{"name": "mask", "meaning": "test"}],
        "training": {"data": "none", "n": 0},
        "licence": "Apache-2.0",
    }
    return write_bundle(tmp_path / "net", content, {MODEL: network, CARD: b"# Test\n"})


def test_the_layers_to_choose_from_are_listed_with_their_grids(network: bytes, bundle: Bundle) -> None:
    found = {each.name: each.shape for each in tensors(network, 1, PATCH)}
    assert found["fine"] == (1, 2, 8, 16, 16)
    assert found["rough"] == (1, 3, 4, 8, 8)
    assert found["code"] == (1, 4)
    table = layers_table(bundle.folder)
    shown = dict(zip(table.columns[0].cells, table.columns[3].cells, strict=True))
    assert (shown["fine"], shown["rough"], shown["code"]) == ("1 x 1 x 1", "2 x 2 x 2", "whole window")


def test_exposing_layers_changes_no_answer(network: bytes) -> None:
    exposed = expose(network, ["rough", "fine"])
    assert exposed == expose(network, ["rough", "fine"])
    image = RNG.normal(size=(1, 1, *PATCH)).astype(np.float32)
    engines = [OnnxRuntimeEngine(each, ServingSettings(threads=1)) for each in (network, exposed)]
    plain, more = (engine.run({"image": image}) for engine in engines)
    assert list(more) == ["mask", "rough", "fine"]
    np.testing.assert_allclose(more["mask"], plain["mask"], rtol=1e-6)
    assert more["fine"].min() == 0, "it is the layer after its rectifier"


def test_strides_and_channels_are_measured_not_believed(network: bytes) -> None:
    exposed = expose(network, ["fine", "rough", "code"])
    fine, rough, code = describe_layers(exposed, {"a": "fine", "b": "rough", "c": "code"}, 1, PATCH)
    assert (fine.channels, fine.stride) == (2, (1, 1, 1))
    assert (rough.channels, rough.stride) == (3, (2, 2, 2))
    assert (code.channels, code.stride) == (4, None)


def test_what_cannot_be_pooled_is_refused(network: bytes) -> None:
    with pytest.raises(Permanent, match="'nothing'"):
        expose(network, ["nothing"])
    with pytest.raises(Permanent, match="no regular grid"):
        describe_layers(expose(network, ["shrunk"]), {"shrunk": "shrunk"}, 1, PATCH)


def test_a_packed_bundle_embeds_and_says_so(tmp_path: Path, bundle: Bundle) -> None:
    packed = with_layers(bundle, tmp_path / "packed", "1.1.0", {"near": "fine", "far": "rough"}, "l2")
    embedding = packed.manifest.embedding
    assert embedding is not None
    assert [(each.name, each.channels) for each in embedding.layers] == [("near", 2), ("far", 3)]
    assert (packed.version, embedding.normalisation) == ("1.1.0", "l2")
    assert onnx.load_model_from_string(packed.read(MODEL)).graph.output[2].name == "rough"


def component(channel: int) -> Component:
    return Component("fine", "mean", channel, 0.0)


def test_redundancy_finds_volume_in_disguise() -> None:
    volume = RNG.lognormal(3, 1, 40)
    intensity = RNG.normal(5, 1, 40)
    columns = [np.sqrt(volume), -intensity, RNG.normal(size=40), np.ones(40), np.full(40, np.nan)]
    cohort = CohortEmbedding([component(each) for each in range(5)], np.array(columns).T, volume, intensity)
    found = redundancy(cohort)
    assert [each.redundant for each in found] == [True, True, False, False, False]
    assert found[0].volume == pytest.approx(1)
    assert found[1].intensity == pytest.approx(-1)
    assert (found[3].volume, found[4].volume) == (None, None)
    rows = list(csv.DictReader(statistics_csv(cohort).splitlines()))
    assert rows[1]["component"] == "mean_1"
    assert float(rows[1]["std"]) == pytest.approx(intensity.std(), rel=1e-5)
    assert (rows[4]["n"], rows[4]["rank_correlation_volume"]) == ("0", "")


def test_too_few_lesions_freeze_nothing() -> None:
    with pytest.raises(Permanent, match="2 lesions"):
        gather([([component(0)], 1.0, 1.0)] * (LEAST - 1))


def write(path: Path, array: npt.NDArray[np.float32 | np.uint8]) -> None:
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(array.T), np.diag([2.0, 2.0, 2.0, 1.0])), path)


def test_from_the_command_line_to_z_scores(tmp_path: Path, bundle: Bundle) -> None:
    """Of the cohort that was frozen, every component has mean 0 and standard deviation 1."""
    for number in range(4):
        mask = np.zeros((10, 20, 20), np.uint8)
        mask[2:8, 4 : 10 + number, 5:12] = 1
        write(tmp_path / f"{number}_image.nii.gz", (RNG.random(mask.shape) * (1 + number)).astype(np.float32))
        write(tmp_path / f"{number}_mask.nii.gz", mask)
    rows = [f"S{each},{each}_image.nii.gz,{each}_mask.nii.gz" for each in range(4)]
    (tmp_path / "cohort.csv").write_text("\n".join(["subject,image,mask", *rows]))
    output = tmp_path / "packed"
    arguments = ["--version", "1.1.0", "--layer", "near=fine", "--layer", "far=rough", "--normalisation", "zscore"]
    arguments += ["--cohort", str(tmp_path / "cohort.csv"), "--data", "four phantoms"]
    result = CliRunner().invoke(app, ["embedding", "pack", str(bundle.folder), str(output), *arguments])
    assert result.exit_code == 0, result.output
    assert "4 lesions, 15 components" in result.output
    packed = load_bundle(output)
    assert "four phantoms" in packed.read(CARD).decode()
    subjects = read_cohort(tmp_path / "cohort.csv", roles_as_preset(packed))
    scores = gather([each for subject in subjects for each in embed_subject(packed, subject)]).values
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(scores.std(axis=0), 1, atol=1e-3)


def test_z_scores_need_a_cohort(tmp_path: Path, bundle: Bundle) -> None:
    arguments = ["--version", "1.1.0", "--layer", "near=fine", "--normalisation", "zscore"]
    result = CliRunner().invoke(app, ["embedding", "pack", str(bundle.folder), str(tmp_path / "x"), *arguments])
    assert isinstance(result.exception, Permanent)
    assert "needs a training cohort" in str(result.exception)


def test_a_bundle_is_made_whole_or_not_at_all(tmp_path: Path, bundle: Bundle) -> None:
    """One without the z-scores that were asked for would load, and mean something else."""
    (tmp_path / "cohort.csv").write_text("subject,image,mask\na,no.nii,no.nii\n")
    output, before = tmp_path / "packed", bundle.read(MODEL)
    arguments = ["--version", "1.1.0", "--normalisation", "zscore", "--cohort", str(tmp_path / "cohort.csv")]
    for place, layers, cause in (
        (output, ["near=fine"], "there is no such file"),
        (output, ["near=fine", "near=rough"], "gives two tensors one name"),
        (bundle.folder, ["near=fine"], "it is there already"),
        (Path("/proc/packed"), ["near=fine"], "it cannot be written"),
    ):
        named = [part for layer in layers for part in ("--layer", layer)]
        result = CliRunner().invoke(app, ["embedding", "pack", str(bundle.folder), str(place), *arguments, *named])
        assert isinstance(result.exception, Permanent)
        assert cause in result.exception.cause
    assert load_bundle(bundle.folder).read(MODEL) == before
    assert not output.exists() and not list(tmp_path.glob(".*"))


def test_results_that_are_no_floats_are_no_layers() -> None:
    shape = [1, 1, *PATCH]
    graph = helper.make_graph(
        [
            helper.make_node("Greater", ["image", "half"], ["above"]),
            helper.make_node("Cast", ["above"], ["mask"], to=TensorProto.FLOAT),
        ],
        "threshold",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.array(0.5, np.float32), "half")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()
    assert [each.name for each in tensors(model, 1, PATCH)] == ["mask"]
    with pytest.raises(Permanent, match="'above': its values are not float32"):
        expose(model, ["above"])
