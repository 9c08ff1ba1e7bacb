"""Penalised logistic regression on few inputs, and its way into a bundle."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from lucidray.core.errors import Permanent
from lucidray.lab.table import Bools, Floats
from lucidray.serving.manifest import LinearModel, OutOfDistribution

PENALTY = 1.0  # C of scikit-learn, on standardised inputs; fixed beforehand, so that nothing is tuned
PARITY = 1e-5  # greatest difference of a probability between scikit-learn and the exported network
OPSET = 17
DIGITS = 6  # significant digits of what is written into a bundle

INPUT, PROBABILITIES, DRAWS = "inputs", "probabilities", "draws"


def fit(values: Floats, outcome: Bools) -> Pipeline:
    """Standardise, then logistic regression with an L2 penalty; values (patients, inputs)."""
    # Newton's method converges to the last digits, so that machines agree, and is the fastest for few inputs.
    regression = LogisticRegression(C=PENALTY, solver="newton-cholesky", tol=1e-10)
    return make_pipeline(StandardScaler(), regression).fit(values, outcome)


def settled(model: Pipeline) -> Pipeline:
    """The model with its numbers rounded, so that machines whose last digits differ make the same bundle."""
    scaler, regression = model[0], model[1]
    scaler.mean_, scaler.scale_ = round_significant(scaler.mean_), round_significant(scaler.scale_)
    regression.coef_ = round_significant(regression.coef_)
    regression.intercept_ = round_significant(regression.intercept_)
    return model


def round_significant(values: npt.ArrayLike, digits: int = DIGITS) -> Floats:
    """Rounded to significant digits, element by element."""
    rounded: Floats = np.vectorize(lambda value: float(f"{value:.{digits}g}"), otypes=[np.float64])(values)
    return rounded


def probability(model: Pipeline, values: Floats) -> Floats:
    """Probability of the event, one a row of `values`."""
    probabilities: Floats = model.predict_proba(values)[:, 1]
    return probabilities


def linear_section(model: Pipeline) -> LinearModel:
    """The model in the open."""
    scaler, regression = model[0], model[1]
    return LinearModel(
        intercept=float(regression.intercept_[0]),
        coefficients=[float(each) for each in regression.coef_[0]],
        centre=[float(each) for each in scaler.mean_],
        scale=[float(each) for each in scaler.scale_],
    )


@dataclass(frozen=True)
class Draws:
    """Models of bootstrap samples on the raw inputs: logits = values @ weights + offsets."""

    weights: Floats  # (inputs, draws)
    offsets: Floats  # (draws,)


def bootstrap(values: Floats, outcome: Bools, count: int, seed: int) -> Draws:
    """Fit the whole procedure on `count` samples of the patients, drawn with replacement (Efron 1979)."""
    rng = np.random.default_rng(seed)
    weights: list[Floats] = []
    offsets: list[float] = []
    while len(offsets) < count:
        rows = rng.integers(0, len(outcome), len(outcome))
        if outcome[rows].all() or not outcome[rows].any():
            continue
        linear = linear_section(fit(values[rows], outcome[rows]))
        slope = np.array(linear.coefficients) / np.array(linear.scale)
        weights.append(slope)
        offsets.append(linear.intercept - float(slope @ np.array(linear.centre)))
    return Draws(round_significant(np.array(weights).T), round_significant(np.array(offsets)))


def to_onnx(model: Pipeline, draws: Draws, values: Floats) -> bytes:
    """The model as a network with two outputs: `probabilities` (n, 2) and `draws` (n, draws).

    Parameters
    ----------
    values
        Rows on which the network must agree with scikit-learn: not every conversion is right.

    Raises
    ------
    Permanent
        They differ by more than `PARITY`.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    network: Any = convert_sklearn(
        model,
        name="logistic",
        initial_types=[(INPUT, FloatTensorType([None, values.shape[1]]))],
        options={"zipmap": False},
        target_opset={"": OPSET, "ai.onnx.ml": 3},
    )
    del network.graph.output[0]  # the label: thresholds are the manifest's affair
    _graft(network.graph, draws)
    onnx.checker.check_model(network)
    content: bytes = network.SerializeToString(deterministic=True)
    check_parity(content, model, draws, values)
    return content


def check_parity(content: bytes, model: Pipeline, draws: Draws, values: Floats) -> None:
    """Compare an exported network with what it was made from; as `to_onnx`."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    probabilities, drawn = session.run([PROBABILITIES, DRAWS], {INPUT: values.astype(np.float32)})
    expected = 1 / (1 + np.exp(-(values @ draws.weights + draws.offsets)))
    worst = max(float(np.abs(probabilities[:, 1] - probability(model, values)).max()), _greatest(drawn - expected))
    if worst > PARITY:
        raise Permanent("exported network", f"it differs from the fitted model by {worst:.1e}", "do not ship it")


def out_of_distribution(values: Floats, level: float) -> OutOfDistribution:
    """The gate of `values` (patients, inputs).

    The limit is the `level` quantile of the squared distance of one further case from n normally distributed
    ones: p (n^2 - 1) / (n (n - p)) F(p, n - p), Hotelling's T squared. For large n it is that of chi squared.
    """
    count, inputs = values.shape
    mean = round_significant(values.mean(axis=0))
    precision = round_significant(np.linalg.inv(np.cov(values, rowvar=False)))
    factor = inputs * (count**2 - 1) / (count * (count - inputs))
    limit = factor * float(stats.f.ppf(level, inputs, count - inputs))
    distances = np.einsum("ni,ij,nj->n", values - mean, precision, values - mean)
    return OutOfDistribution(
        mean=[float(each) for each in mean],
        precision=[[float(each) for each in row] for row in precision],
        limit=round(limit, 2),
        quantile=float(np.mean(distances <= limit)),
        action="withhold",
    )


def _graft(graph: Any, draws: Draws) -> None:
    """Add the second output: the bootstrap models on the raw inputs."""
    graph.initializer.extend(
        [
            numpy_helper.from_array(draws.weights.astype(np.float32), "draw_weights"),
            numpy_helper.from_array(draws.offsets.astype(np.float32), "draw_offsets"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("MatMul", [INPUT, "draw_weights"], ["draw_products"], name="draw_matmul"),
            helper.make_node("Add", ["draw_products", "draw_offsets"], ["draw_logits"], name="draw_add"),
            helper.make_node("Sigmoid", ["draw_logits"], [DRAWS], name="draw_sigmoid"),
        ]
    )
    graph.output.append(helper.make_tensor_value_info(DRAWS, TensorProto.FLOAT, [None, len(draws.offsets)]))


def _greatest(differences: Floats) -> float:
    return float(np.abs(differences).max())
