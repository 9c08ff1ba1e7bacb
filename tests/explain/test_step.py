"""The step: explanations add up to what the network says."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from lucidray.contracts.catalogue import EXPLANATION, PREDICTION
from lucidray.contracts.images import Concept
from lucidray.contracts.parameters import ExplainParameters
from lucidray.contracts.results import Explanation, Input, Prediction
from lucidray.core.errors import Permanent
from lucidray.explain.settings import ExplainSettings
from lucidray.explain.step import Explain, build
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs, StepResult
from lucidray.serving.bundle import MANIFEST, Bundle, BundleShelf, write_bundle
from lucidray.serving.engine import open_engine

CASE = CaseFacts("c1", "study", 1, "patient", "workflow")
HOT = (26.6, 156.0, 0.33, 8.9)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return BundleShelf().find("sts-metastasis")


@pytest.fixture
def variant(bundle: Bundle, tmp_path: Path) -> Callable[..., Bundle]:
    """The same network under a changed manifest."""

    def make(**changes: Any) -> Bundle:
        content = yaml.safe_load((bundle.folder / MANIFEST).read_text("utf-8")) | changes
        files = {name: bundle.read(name) for name in content.pop("files")}
        return write_bundle(tmp_path / "shelf" / "variant", content, files)

    return make


def predicted(bundle: Bundle, values: Sequence[float], status: str = "predicted", segment: int = 1) -> Prediction:
    inputs = [Input(name=each.name, value=value) for each, value in zip(bundle.manifest.features, values, strict=True)]
    return Prediction.model_validate(
        {
            "bundle": bundle.name,
            "bundle_version": bundle.version,
            "bundle_digest": bundle.digest,
            "outcome": Concept(value="94391008", scheme="SCT", meaning="Pulmonary metastasis"),
            "outcome_text": "Lung metastasis",
            "status": status,
            "inputs": inputs,
            "segment": segment,
            "intended_use": "",
            "limitations": "",
        }
    )


def run(bundle: Bundle, *artifacts: Artifact[Prediction]) -> StepResult:
    step = Explain(ExplainSettings(), BundleShelf([bundle.folder.parent]))
    return step.run(CASE, GivenInputs(artifacts), ExplainParameters())


def explanation_of(result: StepResult) -> Explanation:
    (artifact,) = result.artifacts
    assert artifact.contract is EXPLANATION
    value = artifact.value
    assert isinstance(value, Explanation)
    return value


def test_contributions_add_up_to_the_network(bundle: Bundle) -> None:
    explanation = explanation_of(run(bundle, Artifact(PREDICTION, predicted(bundle, HOT))))
    (probabilities,) = [
        each
        for name, each in open_engine(bundle).run({"inputs": np.array([HOT], np.float32)}).items()
        if name == "probabilities"
    ]
    total = explanation.base_logit + sum(each.contribution for each in explanation.contributions)
    assert 1 / (1 + np.exp(-total)) == pytest.approx(float(probabilities[0, 1]), abs=1e-5)
    assert explanation.additive_error < 1e-4
    assert explanation.deletion.passed
    assert explanation.deletion.explained_area < explanation.deletion.random_area
    assert max(explanation.contributions, key=lambda each: each.contribution).name == "SUVmax"
    assert EXPLANATION.read(EXPLANATION.write(explanation)) == explanation


def test_nothing_contributes_at_the_training_mean(bundle: Bundle) -> None:
    mean = [each.mean or 0 for each in bundle.manifest.features]
    explanation = explanation_of(run(bundle, Artifact(PREDICTION, predicted(bundle, mean))))
    assert [each.contribution for each in explanation.contributions] == pytest.approx([0] * len(mean))
    assert explanation.logit == pytest.approx(explanation.base_logit, abs=1e-4)


def test_withheld_prediction_is_passed_over(bundle: Bundle) -> None:
    result = run(bundle, Artifact(PREDICTION, predicted(bundle, HOT, "withheld")))
    assert list(result.artifacts) == []
    assert [flag.code for flag in result.quality] == ["nothing-to-explain"]


def test_case_without_prediction_has_nothing_to_explain(bundle: Bundle) -> None:
    assert list(run(bundle).artifacts) == []


def test_roles_follow_the_predictions(bundle: Bundle) -> None:
    result = run(
        bundle,
        Artifact(PREDICTION, predicted(bundle, HOT, segment=1), "segment-1"),
        Artifact(PREDICTION, predicted(bundle, HOT, segment=2), "segment-2"),
    )
    assert [(each.role, each.value.segment) for each in result.artifacts] == [("segment-1", 1), ("segment-2", 2)]


def test_coefficients_of_another_model_are_not_explained(bundle: Bundle, variant: Callable[..., Bundle]) -> None:
    assert bundle.manifest.linear is not None
    linear = bundle.manifest.linear.model_dump()
    other = variant(linear=linear | {"coefficients": linear["coefficients"][::-1]})
    with pytest.raises(Permanent, match="its network"):
        run(other, Artifact(PREDICTION, predicted(other, HOT)))


def test_bundle_without_coefficients_cannot_be_explained(variant: Callable[..., Bundle]) -> None:
    closed = variant(linear=None)
    with pytest.raises(Permanent, match="does not carry its coefficients"):
        run(closed, Artifact(PREDICTION, predicted(closed, HOT)))


def test_incomplete_coefficients_are_refused(bundle: Bundle, variant: Callable[..., Bundle]) -> None:
    assert bundle.manifest.linear is not None
    short = variant(linear=bundle.manifest.linear.model_dump() | {"scale": [1.0]})
    with pytest.raises(Permanent, match="one coefficient, centre and scale an input"):
        run(short, Artifact(PREDICTION, predicted(short, HOT)))


def test_extreme_probabilities_are_explained(bundle: Bundle) -> None:
    """Where float32 rounds the probability to one, the logit is only known to be large."""
    explanation = explanation_of(run(bundle, Artifact(PREDICTION, predicted(bundle, (300.0, 156, 0.33, 8.9)))))
    assert explanation.logit > 15
    assert np.isfinite(explanation.additive_error)


def test_build_reads_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCIDRAY_EXPLAIN__RANDOM_ORDERS", "20")
    assert build().spec.name == "explain"
