"""A probability and its interval from a bundle's network."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.core.errors import Permanent
from lucidray.serving.engine import Engine
from lucidray.serving.manifest import Manifest


@dataclass(frozen=True)
class Estimate:
    """What the network says of one case."""

    probability: float
    interval: tuple[float, float] | None


def estimate(manifest: Manifest, engine: Engine, values: npt.NDArray[np.float64]) -> Estimate:
    """Run the network on the inputs (1, inputs) of one case.

    The interval holds the middle share (`interval.level`) of the draws: the probabilities of models that were
    fitted to bootstrap samples of the training patients. It says how much the model depends on who happened to
    be in the training data; it says nothing about patients unlike them, which is what the gates are for.

    Raises
    ------
    Permanent
        The network lacks an output that the manifest names, or gives no probability.
    """
    results = engine.run({engine.inputs[0]: values.astype(np.float32)})
    output = manifest.outputs[0]
    probability = float(_output(manifest, results, output.name)[0, output.index])
    if not 0 <= probability <= 1:
        raise _broken(manifest, f"output '{output.name}' is {probability}, no probability")
    if manifest.interval is None:
        return Estimate(probability, None)
    tail = (1 - manifest.interval.level) / 2
    low, high = np.quantile(_output(manifest, results, manifest.interval.output)[0], [tail, 1 - tail])
    # Percentiles of draws need not hold the estimate of the whole data; an interval without it would mislead.
    return Estimate(probability, (min(float(low), probability), max(float(high), probability)))


def _output(manifest: Manifest, results: dict[str, npt.NDArray[np.float32]], name: str) -> npt.NDArray[np.float32]:
    if name not in results or results[name].ndim != 2:  # noqa: PLR2004
        raise _broken(manifest, f"it has no output '{name}' of shape (cases, ...)")
    return results[name]


def _broken(manifest: Manifest, cause: str) -> Permanent:
    return Permanent(f"network of bundle '{manifest.name}'", cause, "pack the bundle again from lab")
