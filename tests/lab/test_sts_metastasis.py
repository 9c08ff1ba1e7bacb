"""The reference bundle: what lies in the zoo is what the script makes, and it says what it is."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from lucidray.core.errors import Permanent
from lucidray.lab import cohort, sts_metastasis
from lucidray.lab.table import Table, read_table
from lucidray.quantify.preset import load_preset
from lucidray.serving.bundle import CARD, MODEL, Bundle, BundleShelf


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return BundleShelf().find(sts_metastasis.NAME)


@pytest.fixture(scope="module")
def table(bundle: Bundle) -> Table:
    return read_table(bundle.folder / sts_metastasis.TABLE)


@pytest.fixture
def images() -> Path:
    try:
        return cohort.data_folder()
    except Permanent:
        pytest.skip("needs the sarcoma cohort in LUCIDRAY_DATA/sts_cohort")


def test_demonstration_patient_is_held_out(table: Table) -> None:
    assert sts_metastasis.HELD_OUT not in table.patients
    assert (len(table.patients), int(table.outcome.sum())) == (50, 18)


def test_zoo_holds_what_the_script_makes(bundle: Bundle, table: Table, tmp_path: Path) -> None:
    again = sts_metastasis.make_bundle(tmp_path / bundle.name, table)
    assert again.read(CARD) == bundle.read(CARD)
    assert again.read(sts_metastasis.TABLE) == bundle.read(sts_metastasis.TABLE)
    assert again.manifest.model_copy(update={"files": {}}) == bundle.manifest.model_copy(update={"files": {}})
    feeds = {"inputs": table.values[:, :4].astype(np.float32)}
    one, other = (
        onnxruntime.InferenceSession(each.read(MODEL), providers=["CPUExecutionProvider"]).run(None, feeds)
        for each in (again, bundle)
    )
    for first, second in zip(one, other, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_bundle_fits_the_preset_that_is_served(bundle: Bundle) -> None:
    preset = load_preset(sts_metastasis.PRESET)
    assert bundle.manifest.preset is not None
    assert bundle.manifest.preset.digest == preset.digest, "the preset changed: make the bundle again"


def test_card_says_what_it_must(bundle: Bundle) -> None:
    text = bundle.read(CARD).decode()
    said = ["Research use only", "No added value over SUVmax", "50 patients with 18 events", "One scanner model"]
    cited = ["10.7937/K9/TCIA.2015.7GO2GSKS", "10.1088/0031-9155/60/14/5471", "Radiology 295:328", "CC BY 3.0"]
    assert [each for each in said + cited if each not in text] == []
    figures = {(each.subject, each.metric): each for each in bundle.manifest.evaluation}
    model, suv = figures["model", "AUC, leave-one-out"], figures["SUVmax alone", "AUC"]
    assert model.value < suv.value
    assert all(each.interval is not None for each in (model, suv, figures["volume alone", "AUC"]))


@pytest.mark.data
def test_table_is_measured_by_the_serving_code(table: Table, images: Path) -> None:
    few = ["STS_003", "STS_019"]
    others = set(cohort.outcomes(images)) - set(few)
    inputs = [*sts_metastasis.INPUTS, sts_metastasis.VOLUME]
    measured = cohort.feature_table(images, load_preset(sts_metastasis.PRESET), inputs, others)
    rows = [list(table.patients).index(patient) for patient in few]
    np.testing.assert_allclose(measured.values, table.values[rows], rtol=1e-4)
    np.testing.assert_array_equal(measured.outcome, table.outcome[rows])


@pytest.mark.data
def test_outcomes_of_the_cohort(images: Path) -> None:
    outcomes = cohort.outcomes(images)
    assert (len(outcomes), sum(outcomes.values())) == (51, 19)
    assert outcomes[sts_metastasis.HELD_OUT]


def test_without_images_the_table_in_the_bundle_is_used(
    bundle: Bundle, table: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LUCIDRAY_DATA", str(tmp_path))
    found = sts_metastasis.read_or_measure(bundle.folder)
    np.testing.assert_array_equal(found.values, table.values)
