"""Exact contributions of a logistic model's inputs.

For a linear logit, what an input adds relative to the training mean is its Shapley value when inputs are taken
as independent (Lundberg and Lee 2017, corollary 1): nothing is approximated.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.core.errors import Permanent
from lucidray.serving.manifest import LinearModel, Manifest

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contributions:
    """logit = base + sum(parts), parts in the order of the inputs."""

    base: float
    parts: Floats

    @property
    def logit(self) -> float:
        """The logit of the case."""
        return self.base + float(self.parts.sum())


def contributions(linear: LinearModel, values: Floats, mean: Floats) -> Contributions:
    """What each input adds to the logit relative to the training mean; `values` and `mean` (inputs,)."""
    coefficients, centre, scale = (np.array(part) for part in (linear.coefficients, linear.centre, linear.scale))
    base = linear.intercept + float(np.sum(coefficients * (mean - centre) / scale))
    return Contributions(base, coefficients * (values - mean) / scale)


def linear_model(manifest: Manifest) -> tuple[LinearModel, Floats]:
    """The model in the open, and the training mean of its inputs (inputs,).

    Raises
    ------
    Permanent
        The bundle does not carry them: it cannot be explained in this way.
    """
    means = [each.mean for each in manifest.vector]
    known = [mean for mean in means if mean is not None]
    if manifest.linear is None or len(known) < len(means):
        raise Permanent(
            f"bundle '{manifest.name}'",
            "it does not carry its coefficients and the training mean of every input",
            "pack it with a `linear` section, or leave the step 'explain' out of the workflow",
        )
    sizes = {len(part) for part in (manifest.linear.coefficients, manifest.linear.centre, manifest.linear.scale, means)}
    if len(sizes) != 1:
        raise Permanent(
            f"bundle '{manifest.name}'",
            "its `linear` section has not one coefficient, centre and scale an input",
            "pack the bundle again from lab",
        )
    return manifest.linear, np.array(known)
