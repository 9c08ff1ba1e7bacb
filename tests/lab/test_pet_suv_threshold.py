"""The bundle in the zoo is what its script makes, and does what its card says."""

import os
from pathlib import Path

import numpy as np
import pytest

from lucidray.core.errors import Permanent
from lucidray.lab.pet_suv_threshold import NAME, dice, evaluate, make_bundle, make_model
from lucidray.serving.bundle import BundleShelf
from lucidray.serving.engine import OnnxRuntimeEngine
from lucidray.serving.settings import BundleSettings, ServingSettings

ZOO = BundleShelf(BundleSettings().folders)


def cohort() -> Path:
    folder = Path(os.environ.get("LUCIDRAY_DATA", "../shared/data")) / "sts_cohort" / "iso3mm_ctpet"
    if not folder.is_dir():
        pytest.skip("needs the soft-tissue-sarcoma cohort: set LUCIDRAY_DATA")
    return folder


def test_the_graph_is_the_threshold() -> None:
    engine = OnnxRuntimeEngine(make_model(), ServingSettings(threads=1))
    below, above = np.nextafter(np.float32(2.5), np.float32(0)), np.nextafter(np.float32(2.5), np.float32(9))
    suv = np.array([0, below, 2.5, above, 40], np.float32).reshape(1, 1, 1, 1, 5)
    assert engine.run({"suv": suv})["region"].ravel().tolist() == [0, 0, 1, 1, 1]


def test_the_bundle_in_the_zoo_holds_that_graph() -> None:
    bundle = ZOO.find(NAME)
    assert bundle.read("model.onnx") == make_model()
    assert bundle.manifest.kind == "segmentation"


def test_the_card_carries_the_measured_figures() -> None:
    bundle = ZOO.find(NAME)
    card = bundle.read("card.md").decode()
    for row in bundle.manifest.evaluation:
        assert f"| {row.subject} | {row.value:.3f} |" in card
    assert "Nothing was trained" in card
    assert bundle.manifest.training.n == 0


def test_dice() -> None:
    one, other = np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 0], bool)
    assert dice(one, other) == 0.5


def test_evaluation_needs_the_cohort(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="set LUCIDRAY_DATA"):
        evaluate(make_model(), tmp_path)


@pytest.mark.data
def test_the_script_makes_the_bundle_in_the_zoo_again(tmp_path: Path) -> None:
    assert make_bundle(tmp_path, cohort()).digest == ZOO.find(NAME).digest
