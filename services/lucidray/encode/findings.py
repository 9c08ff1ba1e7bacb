"""What the report says beside measurements: the prediction, why, and how far to trust it."""

from collections.abc import Sequence

from highdicom.sr import (
    AlgorithmIdentification,
    ContainerContentItem,
    ContentSequence,
    Measurement,
    MeasurementProperties,
    MeasurementsAndQualitativeEvaluations,
    RelationshipTypeValues,
    TextContentItem,
)
from pydicom.sr.codedict import codes

from lucidray.contracts.images import Segment
from lucidray.contracts.results import Explanation, Prediction
from lucidray.encode.concepts import (
    ASSOCIATED_FINDING,
    EXPLANATION,
    INTENDED_USE,
    LIMITATIONS,
    PROBABILITY,
    QUALITATIVE_EVALUATIONS,
    QUALITY,
    coded,
    unit_concept,
)
from lucidray.encode.measurements import modify, text_item, tracking
from lucidray.v1.case_pb2 import QualityFlag, Severity


def prediction_group(
    prediction: Prediction, explanation: Explanation | None, segment: Segment
) -> MeasurementsAndQualitativeEvaluations:
    """The prediction for one lesion (TID 1501), told apart from its features by its algorithm.

    The probability is a measurement with its interval as upper and lower uncertainty (TID 310); a
    withheld one is not given at all. The rest is text for the reader: outcome, limits, reasons.
    """
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(segment),
        finding_type=coded(segment.type),
        algorithm_id=AlgorithmIdentification(
            name=prediction.bundle,
            version=prediction.bundle_version,
            parameters=[f"bundle sha256 {prediction.bundle_digest}"],
        ),
        measurements=_probability(prediction),
    )
    group[0].ContentSequence.extend(_sentences(prediction, explanation))
    return group


def evaluations(conclusions: Sequence[str], quality: Sequence[QualityFlag]) -> ContainerContentItem:
    """What holds for the whole report (TID 1500 row 12)."""
    container = ContainerContentItem(QUALITATIVE_EVALUATIONS, relationship_type=RelationshipTypeValues.CONTAINS)
    items = [text_item(codes.DCM.Conclusion, sentence) for sentence in conclusions]
    items += [text_item(QUALITY, _remark(flag)) for flag in quality]
    container.ContentSequence = ContentSequence(items)
    return container


def _probability(prediction: Prediction) -> list[Measurement]:
    if prediction.status == "withheld" or prediction.probability is None:
        return []
    properties = None
    if prediction.interval is not None:
        low, high = prediction.interval
        properties = MeasurementProperties(
            upper_measurement_uncertainty=high - prediction.probability,
            lower_measurement_uncertainty=prediction.probability - low,
        )
    measurement = Measurement(PROBABILITY, prediction.probability, unit_concept("1"), properties=properties)
    return [modify(measurement, [(ASSOCIATED_FINDING, coded(prediction.outcome))])]


def _sentences(prediction: Prediction, explanation: Explanation | None) -> list[TextContentItem]:
    items = [text_item(codes.DCM.Conclusion, _conclusion(prediction))]
    if prediction.operating_point and prediction.status == "predicted":
        items.append(text_item(codes.DCM.Conclusion, f"At the operating point: {prediction.operating_point}"))
    if explanation is not None:
        items += [text_item(EXPLANATION, sentence) for sentence in _reasons(explanation)]
    items.append(text_item(INTENDED_USE, prediction.intended_use))
    items.append(text_item(LIMITATIONS, prediction.limitations))
    return items


def _conclusion(prediction: Prediction) -> str:
    if prediction.status == "withheld" or prediction.probability is None:
        return f"{prediction.outcome_text}: no prediction is given ({prediction.reason or 'no probability'})"
    sentence = f"{prediction.outcome_text}: probability {prediction.probability:.0%}"
    if prediction.interval is not None:
        low, high = prediction.interval
        method = f", {prediction.interval_method}" if prediction.interval_method else ""
        sentence += f" ({prediction.interval_level:.0%} interval {low:.0%} to {high:.0%}{method})"
    return sentence


def _reasons(explanation: Explanation) -> list[str]:
    """The contributions in falling order of size, and whether they hold."""
    ordered = sorted(explanation.contributions, key=lambda one: -abs(one.contribution))
    passed = "passed" if explanation.deletion.passed else "NOT passed: do not rely on the reasons above"
    return [
        f"Method: {explanation.method}; logit {explanation.logit:+.3f}, {explanation.base_logit:+.3f} at the "
        "mean of training",
        *(f"{one.name} = {one.value:.4g} adds {one.contribution:+.3f} to the logit" for one in ordered),
        f"Deletion check {passed} (area {explanation.deletion.explained_area:.3f} in the explained order, "
        f"{explanation.deletion.random_area:.3f} in random orders)",
    ]


def _remark(flag: QualityFlag) -> str:
    severity = "Warning" if flag.severity == Severity.SEVERITY_WARNING else "Note"
    return f"{severity} ({flag.step}, {flag.code}): {flag.message}"
