"""From a fit to a network that says the same."""

import numpy as np
import onnx
import onnxruntime
import pytest

from lucidray.core.errors import Permanent
from lucidray.lab import logistic
from lucidray.lab.table import Bools, Floats


@pytest.fixture(scope="module")
def data() -> tuple[Floats, Bools]:
    rng = np.random.default_rng(1)
    values = rng.normal([10, 100, 0.3], [5, 40, 0.1], (60, 3))
    return values, rng.random(60) < 1 / (1 + np.exp(-(values[:, 0] - 10) / 4))


def test_linear_section_is_the_model(data: tuple[Floats, Bools]) -> None:
    model = logistic.settled(logistic.fit(*data))
    linear = logistic.linear_section(model)
    scaled = (data[0] - linear.centre) / linear.scale
    logits = linear.intercept + scaled @ np.array(linear.coefficients)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), logistic.probability(model, data[0]), atol=1e-12)


def test_exported_network_agrees_and_is_deterministic(data: tuple[Floats, Bools]) -> None:
    values, outcome = data
    model, draws = logistic.fit(values, outcome), logistic.bootstrap(values, outcome, 20, 3)
    content = logistic.to_onnx(model, draws, values)
    assert content == logistic.to_onnx(model, logistic.bootstrap(values, outcome, 20, 3), values)
    onnx.checker.check_model(onnx.load_model_from_string(content), full_check=True)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    probabilities, drawn = session.run(None, {logistic.INPUT: values.astype(np.float32)})
    assert [each.name for each in session.get_outputs()] == [logistic.PROBABILITIES, logistic.DRAWS]
    np.testing.assert_allclose(probabilities[:, 1], logistic.probability(model, values), atol=logistic.PARITY)
    assert drawn.shape == (60, 20)
    # Bootstrap models scatter around the fit.
    assert np.mean(np.abs(np.median(drawn, axis=1) - probabilities[:, 1])) < 0.05
    assert drawn.std(axis=1).min() > 0


def test_parity_gate_catches_another_model(data: tuple[Floats, Bools]) -> None:
    values, outcome = data
    model, draws = logistic.fit(values, outcome), logistic.bootstrap(values, outcome, 5, 3)
    content = logistic.to_onnx(model, draws, values)
    other = logistic.fit(values, ~outcome)
    with pytest.raises(Permanent, match="differs from the fitted model"):
        logistic.check_parity(content, other, draws, values)


def test_gate_lets_its_share_pass() -> None:
    """Of new cases from the training distribution, `level` lie within the limit, also for few training cases."""
    rng = np.random.default_rng(5)
    mixing, inside = rng.normal(size=(3, 3)), []
    for _ in range(200):
        state = logistic.out_of_distribution(rng.normal(size=(20, 3)) @ mixing, 0.9)
        new = rng.normal(size=(50, 3)) @ mixing - state.mean
        inside.append(np.mean(np.einsum("ni,ij,nj->n", new, np.array(state.precision), new) <= state.limit))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_rounding_keeps_significant_digits() -> None:
    np.testing.assert_array_equal(logistic.round_significant([123456.789, 1.23456789e-7], 4), [123500, 1.235e-7])
