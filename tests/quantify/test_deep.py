"""Embeddings among the features of a case."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from lucidray.contracts.catalogue import REGIONS, VOLUME
from lucidray.contracts.images import Regions, Volume
from lucidray.contracts.parameters import QuantifyParameters
from lucidray.contracts.results import Features
from lucidray.core.errors import Permanent
from lucidray.lab.features.measuring import Subject, measure_subject
from lucidray.quantify import extract
from lucidray.quantify.preset import Preset
from lucidray.quantify.settings import QuantifySettings
from lucidray.quantify.step import Quantify, embed_regions
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs, StepResult
from lucidray.serving.bundle import CARD, MODEL, Bundle, write_bundle

MakeVolume = Callable[..., Volume]
MakeRegions = Callable[..., Regions]
SUV = "{SUVbw}g/ml"
PRESET = {
    "name": "deep",
    "title": "Test",
    "measurements": [{"role": "PET", "modality": "PT", "unit": SUV, "families": ["intensity_statistics"]}],
    "deep": [{"bundle": "net", "layers": ["fine"]}],
}


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A network whose layer `fine` is (v, -2 v), on the shelf of this installation."""
    shape = [1, 1, 8, 16, 16]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w"], ["fine"]), helper.make_node("Sigmoid", ["fine"], ["answer"])],
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 8, 16, 16]) for name in ("answer", "fine")],
        [numpy_helper.from_array(np.array([1, -2], np.float32).reshape(2, 1, 1, 1, 1), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    layers = [
        {"name": name, "output": output, "channels": 2, "stride": [1, 1, 1]}
        for name, output in (("fine", "fine"), ("rough", "answer"))
    ]
    content = {
        "name": "net",
        "version": "1.0.0",
        "kind": "segmentation",
        "title": "Test",
        "intended_use": {"statement": "test", "population": "phantoms", "limitations": "test"},
        "inputs": [{"role": "PET", "modality": "PT", "unit": SUV}],
        "grid": {"role": "PET"},
        "inference": {"patch": [8, 16, 16]},
        "outputs": [{"name": "answer", "meaning": "test"}],
        "embedding": {"layers": layers, "pooling": ["mean", "max"]},
        "training": {"data": "none", "n": 0},
        "licence": "Apache-2.0",
    }
    shelf = tmp_path / "shelf"
    monkeypatch.setenv("LUCIDRAY_BUNDLES__FOLDERS", f'["{shelf}"]')
    return write_bundle(shelf / "net", content, {MODEL: model.SerializeToString(), CARD: b"# Test\n"})


@pytest.fixture
def pet(make_volume: MakeVolume) -> Volume:
    return make_volume(np.random.default_rng(1).random((12, 20, 20)), (2, 2, 2))


@pytest.fixture
def regions(pet: Volume, make_regions: MakeRegions) -> Regions:
    labels = np.zeros(pet.grid.shape, np.uint8)
    labels[2:8, 3:12, 4:15] = 1
    return make_regions(labels, pet.grid)


def run(tmp_path: Path, bundles: dict[str, str], pet: Volume, regions: Regions) -> StepResult:
    (tmp_path / "presets").mkdir(exist_ok=True)
    (tmp_path / "presets" / "deep.yaml").write_text(yaml.safe_dump(PRESET))
    case = CaseFacts("c1", "study", 1, "patient", "workflow", bundles=bundles)
    inputs = GivenInputs([Artifact(VOLUME, pet, "PET"), Artifact(REGIONS, regions)])
    settings = QuantifySettings(preset_folders=[tmp_path / "presets"])
    return Quantify(settings).run(case, inputs, QuantifyParameters(preset="deep"))


def features_of(result: StepResult) -> Features:
    features = result.artifacts[0].value
    assert isinstance(features, Features)
    return features


def test_deep_features_stand_beside_the_handcrafted_ones(
    tmp_path: Path, bundle: Bundle, pet: Volume, regions: Regions
) -> None:
    features = features_of(run(tmp_path, {"net": bundle.digest}, pet, regions))
    assert features.bundles == {"net": bundle.digest}
    mean = features.value("mean_intensity", "PET", 1)
    assert features.value("mean_0", "PET", 1, filter="net fine") == pytest.approx(mean, rel=1e-6)
    assert features.value("mean_1", "PET", 1, filter="net fine") == pytest.approx(-2 * (mean or 0), rel=1e-6)
    assert {each.filter for each in features.features} == {"", "net fine"}, "only the layer that the preset wants"


def test_the_notebook_gives_what_the_step_gives(tmp_path: Path, bundle: Bundle, pet: Volume, regions: Regions) -> None:
    features = features_of(run(tmp_path, {"net": bundle.digest}, pet, regions)).features
    assert extract(pet, regions.labels == 1, tmp_path / "presets" / "deep.yaml") == features


def test_an_image_that_the_network_does_not_know_leaves_only_its_features_undefined(
    tmp_path: Path, bundle: Bundle, pet: Volume, regions: Regions
) -> None:
    inputs = [{"role": "PET", "modality": "PT", "unit": SUV, "spacing_limits": [[5, 6]] * 3}]
    picky = repacked(bundle, inputs=inputs)
    result = run(tmp_path, {"net": picky.digest}, pet, regions)
    found = features_of(result).features
    assert all("outside its limits" in each.reason for each in found if each.family == "deep")
    assert all(each.value is not None for each in found if each.family != "deep")
    assert any("undefined for this region: mean_0" in flag.message for flag in result.quality)


def repacked(bundle: Bundle, **changes: object) -> Bundle:
    """The bundle with another manifest, in its own folder."""
    manifest = yaml.safe_load((bundle.folder / "model.yaml").read_text())
    files = {name: bundle.read(name) for name in manifest.pop("files")}
    return write_bundle(bundle.folder, manifest | changes, files)


def test_an_image_without_a_scale_leaves_only_the_embedding_undefined(
    tmp_path: Path, bundle: Bundle, pet: Volume, regions: Regions
) -> None:
    scaled = repacked(bundle, preprocessing=[{"operation": "zscore", "role": "PET"}])
    flat = Volume(np.ones_like(pet.voxels), pet.facts)
    found = features_of(run(tmp_path, {"net": scaled.digest}, flat, regions)).features
    assert {each.reason for each in found if each.family == "deep"} == {"it does not vary, so that it gives no scale"}
    assert all(each.value is not None for each in found if each.name == "mean_intensity")


@pytest.mark.parametrize("over", ["image", "nonzero", "above_mean", "region"])
def test_mr_in_any_unit_embeds_alike_in_lab_and_service(
    tmp_path: Path, bundle: Bundle, make_volume: MakeVolume, make_regions: MakeRegions, over: str
) -> None:
    """The lab reads files, the service volumes; and another scanner's intensities are another multiple."""
    mr = {"role": "MR", "modality": "MR", "unit": "1"}
    scaled = repacked(
        bundle,
        kind="classification",
        inputs=[mr],
        grid={"role": "MR"},
        preprocessing=[{"operation": "zscore", "role": "MR", "over": over}],
    )
    voxels = np.random.default_rng(2).random((12, 20, 20)) * 800
    voxels[:, :, :4] = 0
    volume = make_volume(voxels.astype(np.float32), (2, 2, 2), modality="MR", unit="1")
    labels = np.zeros(volume.grid.shape, np.uint8)
    labels[2:8, 3:12, 6:15] = 1
    preset = Preset.model_validate(PRESET | {"measurements": [mr | {"families": ["intensity_statistics"]}]})
    (served,) = embed_regions(preset, {"net": scaled}, {"MR": volume}, make_regions(labels, volume.grid))
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(volume.voxels.T * np.float32(3), affine), tmp_path / "mr.nii.gz")
    nibabel.save(nibabel.Nifti1Image(labels.T, affine), tmp_path / "mask.nii.gz")
    subject = Subject(name="one", images={"MR": tmp_path / "mr.nii.gz"}, masks={"": tmp_path / "mask.nii.gz"})
    (row,) = measure_subject(subject, preset)
    deep = {each.name: each.value for each in row.features if each.family == "deep"}
    assert deep == pytest.approx({each.name: each.value for each in served.features}, rel=1e-4, abs=1e-6)
    assert abs(deep["max_0"] or 0) > 0.5


def test_a_network_must_be_pinned(tmp_path: Path, bundle: Bundle, pet: Volume, regions: Regions) -> None:
    with pytest.raises(Permanent, match="'net', which is not pinned"):
        run(tmp_path, {}, pet, regions)
