"""A model of handcrafted, clinical and deep inputs, from the objects of a study to its probability; and the lab's table
of the same study has the same numbers. The real steps on real stores, without processes and sockets."""

import csv
import subprocess
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper
from pydicom import Dataset
from tests.deidentify.objects import SITE_KEY, open_vault, part10
from tests.house import BIN

from lucidray.contracts.catalogue import (
    ANALYSIS,
    CLINICAL,
    PREDICTION,
    REGIONS,
    SELECT,
    STEPS,
    STUDY,
    VARIABLES,
    VOLUME,
    StepSpec,
)
from lucidray.contracts.results import Prediction
from lucidray.core.case import advanced, head, slip_entry
from lucidray.deidentify.step import Deidentify
from lucidray.explain.settings import ExplainSettings
from lucidray.explain.step import Explain
from lucidray.harmonize.settings import HarmonizeSettings
from lucidray.harmonize.step import Harmonize
from lucidray.lab.features.clinical import INPUTS, column_of
from lucidray.phantom import PhantomStudy, make_study
from lucidray.predict.settings import PredictSettings
from lucidray.predict.step import Predict
from lucidray.quantify.preset import read_preset
from lucidray.quantify.settings import QuantifySettings
from lucidray.quantify.step import Quantify
from lucidray.runtime.execute import ManifestInputs, execute
from lucidray.runtime.step import Step
from lucidray.segment.settings import SegmentSettings
from lucidray.segment.step import SegmentStep
from lucidray.serving.bundle import CARD, MODEL, Bundle, BundleShelf, write_bundle
from lucidray.store.cases import ArtifactEntry, CaseStore, Manifest
from lucidray.store.folder import FolderStore
from lucidray.v1.case_pb2 import Case, OnFailure, Outcome

SUV = "{SUVbw}g/ml"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
MODALITIES = {"CT": "CT", "PET": "PT", "RTSTRUCT": "RTSTRUCT"}
PRESET = {
    "name": "one-vector",
    "title": "Test",
    "measurements": [{"role": "PET", "modality": "PT", "unit": SUV, "families": ["intensity_statistics"]}],
    "deep": [{"bundle": "net"}],
}
# SUVmax, age, female, weight, height, mean of the embedding: what each adds to the logit, and the logit of nothing.
WEIGHTS, OFFSET = np.array([0.2, 0.03, -0.7, 0.01, -1.5, 0.4]), -5.0
COMMON = {
    "version": "1.0.0",
    "title": "Test",
    "intended_use": {"statement": "test", "population": "phantoms", "limitations": "test"},
    "inputs": [{"role": "PET", "modality": "PT", "unit": SUV}],
    "training": {"data": "none", "n": 0},
    "licence": "Apache-2.0",
}
Change = Callable[[Dataset], None]


def packed(folder: Path, graph: Any, **content: Any) -> Bundle:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return write_bundle(
        folder / content["name"], COMMON | content, {MODEL: model.SerializeToString(), CARD: b"# Test\n"}
    )


def embedding_bundle(folder: Path) -> Bundle:
    """A network whose layer is the image: its mean over the region is the mean z-score."""
    shape = [1, 1, 16, 32, 32]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["same"])],
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("same", TensorProto.FLOAT, shape)],
    )
    return packed(
        folder,
        graph,
        name="net",
        kind="segmentation",
        grid={"role": "PET"},
        preprocessing=[{"operation": "zscore", "role": "PET", "over": "above_mean"}],
        inference={"patch": shape[2:]},
        outputs=[{"name": "same", "meaning": "test"}],
        embedding={
            "layers": [{"name": "all", "output": "same", "channels": 1, "stride": [1, 1, 1]}],
            "pooling": ["mean"],
        },
    )


def model_bundle(folder: Path, net: Bundle, preset: Mapping[str, str]) -> Bundle:
    """A logistic model whose numbers are known."""
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["inputs", "weights", "offset"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["probability"]),
        ],
        "model",
        [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, [None, len(WEIGHTS)])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1])],
        [
            numpy_helper.from_array(WEIGHTS.astype(np.float32).reshape(-1, 1), "weights"),
            numpy_helper.from_array(np.array([OFFSET], np.float32), "offset"),
        ],
    )
    maximum = {"name": "SUVmax", "feature": "maximum_intensity", "ibsi_code": "84IY", "image_role": "PET", "unit": SUV}
    component = {"name": "net mean", "bundle": "net", "digest": net.digest, "layer": "all", "component": "mean_0"}
    means = {"age": 60.0, "female": 0.5, "weight": 80.0, "height": 1.7}
    clinical = [each.model_dump(exclude_defaults=True) | {"mean": means[each.name]} for each in INPUTS.values()]
    return packed(
        folder,
        graph,
        name="model",
        kind="tabular",
        features=[maximum | {"mean": 5.0}],
        clinical=clinical,
        embeddings=[component | {"mean": 1.0}],
        preset=dict(preset),
        outputs=[{"name": "probability", "meaning": "test"}],
        linear={
            "intercept": OFFSET,
            "coefficients": WEIGHTS.tolist(),
            "centre": [0.0] * len(WEIGHTS),
            "scale": [1.0] * len(WEIGHTS),
        },
    )


@dataclass(frozen=True)
class Line:
    """The steps of the analysis, and the stores of a case."""

    steps: Sequence[Step[Any]]
    bundles: Mapping[str, Mapping[str, str]]  # by step
    stores: Mapping[Any, CaseStore]

    def run(self, datasets: Sequence[Dataset], profile: str = "clinical-ai") -> ManifestInputs:
        """A study through all steps, as a worker runs them; everything that came of it."""
        case = Case(case_id="c1", study_key="s", patient_key="p", workflow="w")
        self._receive(case, datasets)
        parameters = {
            "deidentify": {"profile": profile},
            "segment": {"source_role": "PET"},
            "quantify": {"preset": "one-vector"},
        }
        for step in self.steps:
            name = step.spec.name
            said = parameters.get(name, {})
            pinned = self.bundles.get(name, {})
            case.slip.append(slip_entry(name, STEPS[name].algorithm_version, said, OnFailure.ON_FAILURE_PARK, pinned))
            manifest = execute(step, case, self.stores)
            assert head(case).step == name
            case = advanced(case, manifest.step_key, step.spec.zone, NOW, 1.0)
        every = tuple({contract for step in STEPS.values() for contract in step.writes})
        return ManifestInputs(case, self.stores, StepSpec("test", ANALYSIS, "1", every, ()))

    def _receive(self, case: Case, datasets: Sequence[Dataset]) -> None:
        store, entries = self.stores[CLINICAL], []
        for role, modality in MODALITIES.items():
            files = [part10(each) for each in datasets if each.Modality == modality]
            if not files:
                continue
            parts = [store.put_blob(case.case_id, p.name, p.media_type, p.data) for p in STUDY.write(files)]
            entries.append(ArtifactEntry(contract=STUDY.name, role=role, parts=parts))
        store.commit(
            Manifest(case_id=case.case_id, step=SELECT.name, step_key="k", algorithm_version="1", artifacts=entries)
        )
        done = case.history.add(step_key="k", zone=CLINICAL, outcome=Outcome.OUTCOME_DONE)
        done.entry.step = SELECT.name


@pytest.fixture(scope="module")
def study() -> PhantomStudy:
    return make_study(3)


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    shelf = tmp_path / "shelf"
    monkeypatch.setenv("LUCIDRAY_BUNDLES__FOLDERS", f'["{shelf}"]')
    preset = tmp_path / "presets" / "one-vector.yaml"
    preset.parent.mkdir()
    preset.write_text(yaml.safe_dump(PRESET))
    net = embedding_bundle(shelf)
    model = model_bundle(shelf, net, {"name": "one-vector", "digest": read_preset(preset).digest})
    steps: list[Step[Any]] = [
        Deidentify(SITE_KEY, open_vault(tmp_path)),
        Harmonize(HarmonizeSettings()),
        SegmentStep(SegmentSettings(), BundleShelf()),
        Quantify(QuantifySettings(preset_folders=[preset.parent])),
        Predict(PredictSettings(research_bundles=True), BundleShelf()),
        Explain(ExplainSettings(), BundleShelf()),
    ]
    stores = {zone: CaseStore(FolderStore(tmp_path / str(zone))) for zone in (CLINICAL, ANALYSIS)}
    return Line(steps, {"quantify": {"net": net.digest}, "predict": {"model": model.digest}}, stores)


def changed(study: PhantomStudy, change: Change, modality: str = "") -> list[Dataset]:
    """The study as another patient's, in all its series or in one."""
    datasets = deepcopy(list(study.datasets))
    for dataset in datasets:
        if modality in ("", dataset.Modality):
            change(dataset)
    return datasets


def prediction_of(found: ManifestInputs) -> Prediction:
    prediction = found.read(PREDICTION)
    assert isinstance(prediction, Prediction)
    return prediction


def test_handcrafted_clinical_and_deep_inputs_give_the_probability_by_hand(
    study: PhantomStudy, line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    found = line.run(study.datasets)
    pet, mask = found.read(VOLUME, "PET").voxels.astype(np.float64), found.read(REGIONS).mask(1)
    person = study.of("PT")[0]
    body = pet[pet > pet.mean()]
    by_hand = [
        pet[mask].max(),
        float(person.PatientAge[:3]),
        float(person.PatientSex == "F"),
        float(person.PatientWeight),
        float(person.PatientSize),
        (pet[mask].mean() - body.mean()) / body.std(),
    ]
    prediction = prediction_of(found)
    assert [each.value for each in prediction.inputs] == pytest.approx(by_hand, rel=1e-5)
    expected = 1 / (1 + np.exp(-(OFFSET + WEIGHTS @ by_hand)))
    assert prediction.status == "predicted"
    assert prediction.probability == pytest.approx(expected, abs=1e-5)
    assert 0.02 < expected < 0.98, "neither end of the curve, where anything would do"
    logged = "".join(capsys.readouterr())
    assert "deidentified" in logged
    assert not any(str(said) in logged for said in (person.PatientAge, person.PatientWeight, person.PatientSize))


def test_the_lab_has_the_same_vector(
    study: PhantomStudy, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the objects as they came, and a table: what a model is trained on."""
    monkeypatch.chdir(tmp_path)
    served = {each.name: each.value for each in prediction_of(line.run(study.datasets)).inputs}
    study.write(Path("study"))
    Path("cohort.csv").write_text("subject,image.PET,mask\nP1,study/PT,study/RTSTRUCT\n")
    person = study.of("PT")[0]
    said = f"{person.PatientAge[:3]},{person.PatientSex},{person.PatientWeight},{person.PatientSize}"
    Path("clinical.csv").write_text(f"subject,age,sex,weight,height\nP1,{said}\n")
    command = ["features", "cohort.csv", "-p", "presets/one-vector.yaml", "-o", "f.csv", "--clinical", "clinical.csv"]
    # In a process of its own: the workers of this one may have started before the bundles were there.
    done = subprocess.run([BIN / "lucidray", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with Path("f.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    columns = {
        "SUVmax": "PET_intensity_statistics_maximum_intensity_84IY",
        "net mean": "PET_net-all_deep_mean_0",
        **{each.name: column_of(each) for each in INPUTS.values()},
    }
    assert {name: float(row[column]) for name, column in columns.items()} == pytest.approx(served, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "modality", "reason"),
    [
        (lambda each: each.__delattr__("PatientAge"), "", "no series says PatientAge; have the scanner send it"),
        (lambda each: setattr(each, "PatientAge", "097Y"), "", "above 89 years no exact age may be known"),
        (lambda each: setattr(each, "PatientAge", "000Y"), "", "PatientAge of CT, PET is not a value"),
        (lambda each: setattr(each, "PatientAge", "031Y"), "CT", "PatientAge differs in the series of CT, PET"),
    ],
    ids=["absent", "above 89", "000Y", "contradictory"],
)
def test_without_a_believable_age_there_is_no_prediction_but_a_reason(
    study: PhantomStudy, line: Line, change: Change, modality: str, reason: str
) -> None:
    found = line.run(changed(study, change, modality))
    prediction = prediction_of(found)
    assert (prediction.status, prediction.probability) == ("withheld", None)
    assert prediction.reason.startswith("age (Subject Age, DCM 121033) is not known: " + reason)
    assert not any(quoted in prediction.reason for quoted in ("097", "97", "031", "31 "))
    assert found.read(VARIABLES).variables[0].value is not None, "sex is known"


def test_a_sex_that_the_model_does_not_know_is_none_of_those_that_it_knows(study: PhantomStudy, line: Line) -> None:
    found = line.run(changed(study, lambda each: setattr(each, "PatientSex", "O")))
    assert "female (Subject Sex, DCM 121032) is a category that the bundle does not know" in prediction_of(found).reason


def test_a_profile_without_characteristics_leaves_nothing(study: PhantomStudy, line: Line) -> None:
    """De-identification decides what is known; not even the weight that SUV needs, so that the case has no PET."""
    ct = [each for each in study.datasets if each.Modality == "CT"]
    short = Line(line.steps[:2], line.bundles, line.stores)
    variables = short.run(ct, "basic").read(VARIABLES).variables
    assert [each.value for each in variables] == [None] * 4
    assert all("retains patient characteristics" in each.reason for each in variables)
