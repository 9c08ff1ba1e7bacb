"""The step: a probability behind its gates."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lucidray.contracts.catalogue import FEATURES, PREDICTION, REGIONS, VOLUME
from lucidray.contracts.images import Regions, Volume
from lucidray.contracts.parameters import PredictParameters
from lucidray.contracts.results import Features, Prediction
from lucidray.core.errors import NoCompatibleWorker, Permanent
from lucidray.predict.settings import PredictSettings
from lucidray.predict.step import Predict, build, chosen_segments
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs, StepResult
from lucidray.serving.bundle import Bundle, BundleShelf

MakeVolume = Callable[..., Volume]
MakeRegions = Callable[..., Regions]
MakeFeatures = Callable[..., Features]
Variant = Callable[..., Bundle]


@pytest.fixture
def pet(make_volume: MakeVolume) -> Volume:
    return make_volume()


@pytest.fixture
def one(make_regions: MakeRegions) -> Regions:
    return make_regions(20)


def run(
    bundle: Bundle,
    volume: Volume | None,
    regions: Regions,
    features: Features,
    settings: PredictSettings | None = None,
    **parameters: object,
) -> StepResult:
    case = CaseFacts("c1", "study", 1, "patient", "workflow", bundles={bundle.name: bundle.digest})
    images = [Artifact(VOLUME, volume, "PET")] if volume else []
    inputs = GivenInputs([*images, Artifact(REGIONS, regions), Artifact(FEATURES, features)])
    step = Predict(settings or PredictSettings(), BundleShelf([bundle.folder.parent]))
    return step.run(case, inputs, PredictParameters.model_validate(parameters))


def prediction_of(result: StepResult) -> Prediction:
    (artifact,) = result.artifacts
    assert (artifact.contract, artifact.role) == (PREDICTION, "")
    value = artifact.value
    assert isinstance(value, Prediction)
    return value


def test_typical_journey(bundle: Bundle, pet: Volume, one: Regions, features: Features) -> None:
    """At the training mean the logit is the intercept."""
    result = run(bundle, pet, one, features)
    prediction = prediction_of(result)
    assert bundle.manifest.linear is not None
    expected = 1 / (1 + np.exp(-bundle.manifest.linear.intercept))
    assert prediction.status == "predicted"
    assert prediction.probability == pytest.approx(expected, abs=1e-5)
    assert prediction.interval is not None
    low, high = prediction.interval
    assert 0.1 < low < expected < high < 0.6
    assert prediction.out_of_distribution == pytest.approx(0, abs=1e-6)
    assert prediction.operating_point.startswith("not more likely than the average")
    assert prediction.outcome.value == "94391008"
    assert "no added value over SUVmax" in prediction.limitations
    assert [each.name for each in prediction.inputs] == [each.name for each in bundle.manifest.features]
    assert list(result.quality) == []
    assert PREDICTION.read(PREDICTION.write(prediction)) == prediction


def test_hot_tumour_is_at_risk(bundle: Bundle, pet: Volume, one: Regions, make_features: MakeFeatures) -> None:
    hot = prediction_of(run(bundle, pet, one, make_features([26.6, 156, 0.33, 8.9])))
    cold = prediction_of(run(bundle, pet, one, make_features([4.0, 156, 0.33, 4.5])))
    assert (hot.probability or 0) > 0.7 > 0.3 > (cold.probability or 1)
    assert hot.operating_point.startswith("more likely")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unit": "Bq/ml"}, "PT in Bq/ml, not PT in {SUVbw}g/ml"),
        ({"modality": "CT"}, "PET is CT"),
        ({"spacing": (7.5, 4, 4)}, "7.5 mm along z, outside 2 to 5 mm"),
        ({"spacing": (3, 4, 8)}, "8 mm along x, outside 2 to 6 mm"),
    ],
)
def test_images_outside_the_intended_use(
    bundle: Bundle,
    make_volume: MakeVolume,
    one: Regions,
    features: Features,
    changes: dict[str, object],
    reason: str,
) -> None:
    result = run(bundle, make_volume(**changes), one, features)
    prediction = prediction_of(result)
    assert (prediction.status, prediction.probability, prediction.interval) == ("withheld", None, None)
    assert reason in prediction.reason
    assert [flag.code for flag in result.quality] == ["prediction-withheld"]
    assert reason in result.quality[0].message


def test_every_reason_is_named(bundle: Bundle, one: Regions, make_features: MakeFeatures) -> None:
    other = make_features([10, None, 0.3, 6]).model_copy(update={"preset_digest": "0" * 64})
    reason = prediction_of(run(bundle, None, one, other)).reason
    assert "no image of role PET" in reason
    assert "preset pet-ct-core (00000000)" in reason
    assert "Maximum 3D diameter is undefined" in reason


def test_missing_corrections_withhold(
    variant: Variant, bundle: Bundle, make_volume: MakeVolume, one: Regions, features: Features
) -> None:
    image = bundle.manifest.inputs[0].model_dump(mode="json") | {"corrections": ["ATTN", "DECY"]}
    strict = variant(inputs=[image])
    done = make_volume(scanner={"CorrectedImage": "DECY\\ATTN\\SCAT"})
    assert prediction_of(run(strict, done, one, features)).status == "predicted"
    lacking = make_volume(scanner={"CorrectedImage": "DECY"})
    assert "lacks the corrections ATTN" in prediction_of(run(strict, lacking, one, features)).reason


def test_unlike_the_training_data(
    bundle: Bundle, variant: Variant, pet: Volume, one: Regions, make_features: MakeFeatures
) -> None:
    strange = make_features([5, 60, 0.9, 9])
    withheld = prediction_of(run(bundle, pet, one, strange))
    assert withheld.status == "withheld"
    assert "unlike the training data" in withheld.reason
    assert (withheld.out_of_distribution or 0) > (withheld.out_of_distribution_limit or 1e9)
    state = bundle.manifest.out_of_distribution
    assert state is not None
    lenient = variant(out_of_distribution=state.model_dump() | {"action": "flag"})
    result = run(lenient, pet, one, strange)
    assert prediction_of(result).status == "predicted"
    assert [flag.code for flag in result.quality] == ["out-of-distribution"]


def test_limits_of_an_input(variant: Variant, bundle: Bundle, pet: Volume, one: Regions, features: Features) -> None:
    first, *others = (each.model_dump(mode="json", exclude_none=True) for each in bundle.manifest.features)
    narrow = variant(features=[first | {"limits": [0.0, 10.0]}, *others])
    assert "SUVmax is 12.59, outside 0 to 10" in prediction_of(run(narrow, pet, one, features)).reason


def test_missing_input_may_stand_at_the_mean(
    variant: Variant, bundle: Bundle, pet: Volume, one: Regions, make_features: MakeFeatures
) -> None:
    first, *others = (each.model_dump(mode="json", exclude_none=True) for each in bundle.manifest.features)
    lenient = variant(features=[first | {"on_missing": "mean"}, *others])
    result = run(lenient, pet, one, make_features([None, 136, 0.33, 5.8]))
    prediction = prediction_of(result)
    assert prediction.status == "predicted"
    assert prediction.inputs[0].value == bundle.manifest.features[0].mean
    assert [flag.code for flag in result.quality] == ["input-assumed"]
    assert "SUVmax" in result.quality[0].message


def test_unknown_clinical_variable_withholds(variant: Variant, pet: Volume, one: Regions, features: Features) -> None:
    age = {"name": "Age", "concept": {"value": "30525-0", "scheme": "LN", "meaning": "Age"}, "unit": "a"}
    reason = prediction_of(run(variant(clinical=[age]), pet, one, features)).reason
    assert "Age (Age, LN 30525-0) is not known" in reason


def test_feature_in_another_unit_withholds(
    bundle: Bundle, pet: Volume, one: Regions, make_features: MakeFeatures
) -> None:
    given = make_features([10, 136, 0.33, 5.8])
    first, *others = given.features
    wrong = given.model_copy(update={"features": [first.model_copy(update={"unit": "1"}), *others]})
    assert "SUVmax is in 1" in prediction_of(run(bundle, pet, one, wrong)).reason


def test_without_a_region_there_is_only_a_remark(
    bundle: Bundle, pet: Volume, make_regions: MakeRegions, make_features: MakeFeatures
) -> None:
    result = run(bundle, pet, make_regions(), make_features([], ()))
    assert list(result.artifacts) == []
    assert result.summary["prediction"].startswith("withheld: there is no target region")
    assert [flag.code for flag in result.quality] == ["prediction-withheld"]


def test_each_region_has_its_own_prediction(
    bundle: Bundle, pet: Volume, make_regions: MakeRegions, make_features: MakeFeatures
) -> None:
    regions = make_regions(10, 30, 20, targets=(True, True, False))
    result = run(bundle, pet, regions, make_features([10, 136, 0.33, 5.8], (1, 2)), segment="each")
    assert [artifact.role for artifact in result.artifacts] == ["segment-1", "segment-2"]
    assert [artifact.value.segment for artifact in result.artifacts] == [1, 2]


def test_chosen_segments(make_regions: MakeRegions) -> None:
    regions = make_regions(10, 30, 30, 99, targets=(True, True, True, False))
    assert chosen_segments(regions, "largest") == [2]
    assert chosen_segments(regions, "each") == [1, 2, 3]
    assert chosen_segments(regions, 3) == [3]
    assert chosen_segments(make_regions(), "largest") == []
    with pytest.raises(Permanent, match="there are: 1, 2, 3"):
        chosen_segments(regions, 4)


def test_research_bundles_may_be_forbidden(bundle: Bundle, pet: Volume, one: Regions, features: Features) -> None:
    prediction = prediction_of(run(bundle, pet, one, features, PredictSettings(research_bundles=False)))
    assert prediction.status == "withheld"
    assert "research use only" in prediction.reason


def test_bundle_without_interval(variant: Variant, pet: Volume, one: Regions, features: Features) -> None:
    prediction = prediction_of(run(variant(interval=None), pet, one, features))
    assert prediction.status == "predicted"
    assert (prediction.interval, prediction.interval_method) == (None, "")


def test_network_without_the_named_output(
    variant: Variant, bundle: Bundle, pet: Volume, one: Regions, features: Features
) -> None:
    assert bundle.manifest.interval is not None
    broken = variant(interval=bundle.manifest.interval.model_dump() | {"output": "spread"})
    with pytest.raises(Permanent, match="no output 'spread'"):
        run(broken, pet, one, features)


def test_bundles_must_be_pinned_tabular_and_there(bundle: Bundle, one: Regions, features: Features) -> None:
    inputs = GivenInputs([Artifact(REGIONS, one), Artifact(FEATURES, features)])
    step = Predict(PredictSettings(), BundleShelf())

    def case(**bundles: str) -> CaseFacts:
        pinned = {name.replace("_", "-"): digest for name, digest in bundles.items()}
        return CaseFacts("c1", "study", 1, "patient", "workflow", bundles=pinned)

    with pytest.raises(NoCompatibleWorker):
        step.run(case(sts_metastasis="0" * 64), inputs, PredictParameters())
    threshold = BundleShelf().find("pet-suv-threshold")
    with pytest.raises(Permanent, match="not tabular"):
        step.run(case(pet_suv_threshold=threshold.digest), inputs, PredictParameters())
    with pytest.raises(Permanent, match="pinned"):
        step.run(case(), inputs, PredictParameters())
    with pytest.raises(Permanent, match="bundle 'another'.*pinned"):
        step.run(case(sts_metastasis=bundle.digest), inputs, PredictParameters(bundle="another"))


def test_build_reads_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCIDRAY_PREDICT__RESEARCH_BUNDLES", "false")
    assert build().spec.name == "predict"
