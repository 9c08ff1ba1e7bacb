"""The step `predict`: features in, a probability out, or the reason why none is given."""

from lucidray.contracts.catalogue import FEATURES, PREDICTION, REGIONS, STEPS, VARIABLES, VOLUME
from lucidray.contracts.images import Concept, Regions
from lucidray.contracts.parameters import PredictParameters
from lucidray.contracts.results import Prediction
from lucidray.core.case import quality_flag
from lucidray.core.errors import Permanent
from lucidray.predict.estimate import Estimate, estimate
from lucidray.predict.gates import outside_intended_use, squared_distance
from lucidray.predict.settings import PredictSettings
from lucidray.predict.vector import Vector, make_vector
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Step, StepResult
from lucidray.serving.bundle import Bundle, BundleShelf
from lucidray.serving.engine import open_engine
from lucidray.serving.manifest import Manifest
from lucidray.v1.case_pb2 import QualityFlag

RESEARCH = "research use only"
WITHHELD = "prediction-withheld"
UNNAMED = Concept(value="111047", scheme="DCM", meaning="Probability")


class Predict(Step[PredictParameters]):
    """Runs a tabular bundle behind its gates. A withheld prediction is a result, not a failure."""

    spec = STEPS["predict"]
    parameters = PredictParameters

    def __init__(self, settings: PredictSettings, shelf: BundleShelf) -> None:
        self._settings = settings
        self._shelf = shelf

    def run(self, case: CaseFacts, inputs: Inputs, parameters: PredictParameters) -> StepResult:
        """Predict for the chosen regions; each of several has its own artifact, with role `segment-<number>`.

        A case without target regions gets a remark and no artifact.

        Raises
        ------
        Permanent
            No bundle is pinned, it is none for features, or there is no such region.
        """
        bundle = self._bundle(case, parameters.bundle)
        regions = inputs.read(REGIONS)
        wanted = parameters.segment or bundle.manifest.segments
        artifacts, flags, summary = [], [], {"bundle": f"{bundle.name} {bundle.version}"}
        for number in chosen_segments(regions, wanted):
            prediction, remarks = self._predict(bundle, inputs, number)
            role = f"segment-{number}" if wanted == "each" else ""
            artifacts.append(Artifact(PREDICTION, prediction, role))
            flags += remarks
            summary[f"segment {number}"] = _shown(prediction)
        if not artifacts:  # a prediction is about a region: without one the remark alone says why there is none
            reason = "there is no target region to predict for"
            flags.append(quality_flag("predict", WITHHELD, f"{bundle.name}: {reason}"))
            summary["prediction"] = f"withheld: {reason}"
        return StepResult(artifacts, flags, summary)

    def _bundle(self, case: CaseFacts, name: str) -> Bundle:
        name = name or next(iter(sorted(case.bundles)), "")
        if name not in case.bundles:
            raise Permanent(
                f"bundle '{name}'" if name else f"case {case.case_id}",
                "no such bundle is pinned for the step 'predict'",
                "list it under `bundles` of that step in the workflow and open the case anew",
            )
        bundle = self._shelf.find(name, case.bundles[name])
        if bundle.manifest.kind != "tabular":
            raise Permanent(
                f"bundle '{name}'", f"it is of kind {bundle.manifest.kind}, not tabular", "correct the workflow"
            )
        return bundle

    def _predict(self, bundle: Bundle, inputs: Inputs, segment: int) -> tuple[Prediction, list[QualityFlag]]:
        manifest = bundle.manifest
        features = inputs.read(FEATURES)
        volumes = {image.role: inputs.find(VOLUME, image.role) for image in manifest.inputs}
        images = {role: volume.facts for role, volume in volumes.items() if volume is not None}
        variables = [each for role in inputs.roles(VARIABLES) for each in inputs.read(VARIABLES, role).variables]
        vector = make_vector(manifest, features, segment, variables)
        problems = [*outside_intended_use(manifest, images, features), *vector.problems]
        if manifest.intended_use.status == RESEARCH and not self._settings.research_bundles:
            problems.insert(0, "this installation does not allow bundles for research use only")
        prediction = _withheld(bundle, segment, problems, vector) if problems else _predicted(bundle, segment, vector)
        return prediction, _remarks(prediction, vector)


def build() -> Step[PredictParameters]:
    """The step with this service's settings."""
    return Predict(PredictSettings.load(), BundleShelf())


def chosen_segments(regions: Regions, wanted: str | int) -> list[int]:
    """Numbers of the target segments to predict for; the largest by volume, the lower number if two are equal.

    Raises
    ------
    Permanent
        One was asked for by number, and there is no such target.
    """
    targets = [segment.number for segment in regions.facts.segments if segment.target]
    if isinstance(wanted, int):
        if wanted not in targets:
            shown = ", ".join(str(number) for number in targets) or "none"
            raise Permanent(f"segment {wanted}", f"there is no such target region (there are: {shown})", "choose one")
        return [wanted]
    if wanted == "each":
        return targets
    return [max(targets, key=lambda number: (int(regions.mask(number).sum()), -number))] if targets else []


def _predicted(bundle: Bundle, segment: int, vector: Vector) -> Prediction:
    """The prediction of a case within the intended use, unless it lies outside the training distribution."""
    manifest, state = bundle.manifest, bundle.manifest.out_of_distribution
    distance = squared_distance(state, vector.values) if state else None
    if state and distance is not None and distance > state.limit and state.action == "withhold":
        reason = f"the inputs are unlike the training data (squared distance {distance:.1f}, limit {state.limit:.1f})"
        return _withheld(bundle, segment, [reason], vector, distance)
    found = estimate(manifest, open_engine(bundle), vector.values)
    return _prediction(bundle, segment, vector, distance).model_copy(
        update={
            "status": "predicted",
            "probability": found.probability,
            "interval": found.interval,
            "operating_point": _operating_point(manifest, found),
        }
    )


def _withheld(
    bundle: Bundle, segment: int, problems: list[str], vector: Vector, distance: float | None = None
) -> Prediction:
    prediction = _prediction(bundle, segment, vector, distance)
    return prediction.model_copy(update={"reason": "; ".join(problems)})


def _prediction(bundle: Bundle, segment: int, vector: Vector, distance: float | None) -> Prediction:
    """All that is known without asking the network."""
    manifest, state, interval = bundle.manifest, bundle.manifest.out_of_distribution, bundle.manifest.interval
    stated = {"interval_level": interval.level, "interval_method": interval.method} if interval else {}
    return Prediction(
        bundle=bundle.name,
        bundle_version=bundle.version,
        bundle_digest=bundle.digest,
        outcome=manifest.outputs[0].concept or UNNAMED,
        outcome_text=manifest.outputs[0].meaning,
        status="withheld",
        out_of_distribution=distance,
        out_of_distribution_limit=state.limit if state else None,
        inputs=vector.inputs,
        segment=segment,
        intended_use=manifest.intended_use.statement,
        limitations=manifest.intended_use.limitations,
        **stated,
    )


def _operating_point(manifest: Manifest, found: Estimate) -> str:
    """The highest operating point that the probability reaches, or how far it stays below the lowest."""
    points = sorted(manifest.operating_points, key=lambda point: point.threshold)
    if not points:
        return ""
    reached = [point for point in points if found.probability >= point.threshold]
    if reached:
        return f"{reached[-1].name} (>= {reached[-1].threshold:.2f})"
    return f"not {points[0].name} (< {points[0].threshold:.2f})"


def _remarks(prediction: Prediction, vector: Vector) -> list[QualityFlag]:
    flags = []
    if prediction.status == "withheld":
        flags.append(_withheld_flag(prediction))
    elif _is_outside(prediction):
        text = (
            f"segment {prediction.segment}: the inputs are unlike the training data of {prediction.bundle} "
            f"(squared distance {prediction.out_of_distribution:.1f}, limit {prediction.out_of_distribution_limit:.1f})"
        )
        flags.append(quality_flag("predict", "out-of-distribution", text))
    if vector.assumed:
        names = ", ".join(vector.assumed)
        flags.append(quality_flag("predict", "input-assumed", f"not known, set to the training mean: {names}"))
    return flags


def _withheld_flag(prediction: Prediction) -> QualityFlag:
    return quality_flag("predict", WITHHELD, f"{prediction.bundle}: {prediction.reason}")


def _is_outside(prediction: Prediction) -> bool:
    distance, limit = prediction.out_of_distribution, prediction.out_of_distribution_limit
    return distance is not None and limit is not None and distance > limit


def _shown(prediction: Prediction) -> str:
    if prediction.probability is None:
        return f"withheld: {prediction.reason}"
    text = f"probability {prediction.probability:.3f}"
    if prediction.interval is None:
        return text
    low, high = prediction.interval
    return f"{text} ({low:.3f}-{high:.3f})"
