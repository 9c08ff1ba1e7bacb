"""The step `explain`: what each input of a prediction adds, checked against the network itself."""

import math
from functools import partial

import numpy as np
import numpy.typing as npt

from lucidray.contracts.catalogue import EXPLANATION, PREDICTION, STEPS
from lucidray.contracts.parameters import ExplainParameters
from lucidray.contracts.results import Contribution, Explanation, Prediction
from lucidray.core.case import quality_flag
from lucidray.core.errors import Permanent
from lucidray.explain.deletion import check_deletion
from lucidray.explain.linear import Contributions, contributions, linear_model
from lucidray.explain.settings import ExplainSettings
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Step, StepResult
from lucidray.serving.bundle import Bundle, BundleShelf
from lucidray.serving.engine import Engine, open_engine

METHOD = "linear contributions (exact)"
TOLERANCE = 1e-4  # of a probability: the network computes in float32, and coefficients are written in decimals

_LEAST = 2.0**-24  # float32 has nothing between 1 - 2^-24 and 1: a logit beyond 16.6 cannot be read from it

Floats = npt.NDArray[np.float64]


class Explain(Step[ExplainParameters]):
    """Explains every prediction that was given; a withheld one has nothing to explain and is passed over."""

    spec = STEPS["explain"]
    parameters = ExplainParameters

    def __init__(self, settings: ExplainSettings, shelf: BundleShelf) -> None:
        self._settings = settings
        self._shelf = shelf

    def run(self, case: CaseFacts, inputs: Inputs, parameters: ExplainParameters) -> StepResult:
        """Explain the predictions of a case; explanations have the roles of their predictions.

        Raises
        ------
        Permanent
            The bundle does not carry its coefficients, or they are not what its network computes.
        """
        artifacts, flags, summary = [], [], {}
        for role in inputs.roles(PREDICTION):
            prediction = inputs.read(PREDICTION, role)
            where = f"segment {prediction.segment}"
            if prediction.status == "withheld":
                message = f"{prediction.bundle}: no prediction was given, so there is nothing to explain"
                flags.append(quality_flag("explain", "nothing-to-explain", message, warning=False))
                continue
            explanation = self._explain(prediction)
            artifacts.append(Artifact(EXPLANATION, explanation, role))
            summary[where] = _shown(explanation)
            if not explanation.deletion.passed:
                message = f"{where}: removing the inputs named first does not change the output fastest"
                flags.append(quality_flag("explain", "deletion-check-failed", message))
        return StepResult(artifacts, flags, summary)

    def _explain(self, prediction: Prediction) -> Explanation:
        bundle = self._shelf.find(prediction.bundle, prediction.bundle_digest)
        linear, mean = linear_model(bundle.manifest)
        values = np.array([each.value for each in prediction.inputs])
        found = contributions(linear, values, mean)
        output = partial(_probability, bundle, open_engine(bundle))
        logit = _checked_logit(bundle, found, float(output(values[None, :])[0]))
        parts = [
            Contribution(name=one.name, value=one.value, contribution=float(part))
            for one, part in zip(prediction.inputs, found.parts, strict=True)
        ]
        return Explanation(
            bundle=bundle.name,
            bundle_digest=bundle.digest,
            method=METHOD,
            base_logit=found.base,
            logit=logit,
            contributions=parts,
            additive_error=abs(found.logit - logit),
            deletion=check_deletion(output, values, mean, found.parts, self._settings.random_orders),
            segment=prediction.segment,
        )


def build() -> Step[ExplainParameters]:
    """The step with this service's settings."""
    return Explain(ExplainSettings.load(), BundleShelf())


def _probability(bundle: Bundle, engine: Engine, values: Floats) -> Floats:
    """The network's probability (cases,) of inputs (cases, inputs)."""
    output = bundle.manifest.outputs[0]
    results = engine.run({engine.inputs[0]: values.astype(np.float32)})
    probabilities: Floats = results[output.name][:, output.index].astype(np.float64)
    return probabilities


def _checked_logit(bundle: Bundle, found: Contributions, probability: float) -> float:
    """The network's logit, if it is the one that the contributions add up to.

    Compared as probabilities: far from one half, float32 keeps few digits of a logit.

    Raises
    ------
    Permanent
        It is not: the explanation would be of another model.
    """
    expected = 1 / (1 + math.exp(-found.logit))
    if not abs(expected - probability) <= TOLERANCE:
        raise Permanent(
            f"bundle '{bundle.name}'",
            f"its `linear` section gives a probability of {expected:.5f}, its network {probability:.5f}",
            "pack the bundle again from lab",
        )
    inside = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(inside) - math.log1p(-inside)


def _shown(explanation: Explanation) -> str:
    first = max(explanation.contributions, key=lambda one: abs(one.contribution))
    return f"most by {first.name} ({first.contribution:+.2f} to the logit)"
