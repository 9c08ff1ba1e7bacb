"""From the features of a region to the inputs of a bundle."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.contracts.results import Feature, Features, Input
from lucidray.serving.manifest import FeatureInput, Manifest, Range


@dataclass(frozen=True)
class Vector:
    """The inputs in the bundle's order, as far as there are any."""

    inputs: list[Input]
    problems: list[str]  # why a prediction must be withheld
    assumed: list[str]  # names of inputs that were not known and stand at the training mean

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Shape (1, inputs)."""
        return np.array([[each.value for each in self.inputs]], np.float64)


def make_vector(manifest: Manifest, features: Features, segment: int) -> Vector:
    """The inputs that a bundle wants, of one segment.

    Clinical variables do not reach the analysis zone yet: where the bundle allows it they stand at the
    training mean, otherwise they are a problem.
    """
    vector = Vector([], [], [])
    for wanted in manifest.features:
        feature = _find(features, wanted, segment)
        value = None if feature is None else feature.value
        if feature is not None and feature.unit != wanted.unit:
            vector.problems.append(f"{wanted.name} is in {feature.unit}, not {wanted.unit}")
        elif value is None:
            mean = wanted.mean if wanted.on_missing == "mean" else None
            reason = f"{wanted.name} was not measured" if feature is None else f"{wanted.name} is undefined here"
            _add_missing(vector, wanted.name, wanted.unit, mean, wanted.reference, reason)
        else:
            _add(vector, Input(name=wanted.name, value=value, reference=wanted.reference, unit=wanted.unit), wanted)
    for variable in manifest.clinical:
        mean = variable.mean if variable.on_missing == "mean" else None
        _add_missing(vector, variable.name, variable.unit, mean, None, f"{variable.name} is not known")
    return vector


def _find(features: Features, wanted: FeatureInput, segment: int) -> Feature | None:
    """By IBSI code where there is one: families share names."""
    where = (wanted.image_role, segment, wanted.filter)
    for feature in features.features:
        same = feature.ibsi_code == wanted.ibsi_code if wanted.ibsi_code else feature.name == wanted.feature
        same = same and wanted.aggregation in ("", feature.aggregation)
        if same and (feature.image_role, feature.segment, feature.filter) == where:
            return feature
    return None


def _add(vector: Vector, found: Input, wanted: FeatureInput) -> None:
    vector.inputs.append(found)
    if wanted.limits is not None and not wanted.limits[0] <= found.value <= wanted.limits[1]:
        low, high = wanted.limits
        vector.problems.append(f"{wanted.name} is {found.value:.4g}, outside {low:g} to {high:g}")


def _add_missing(
    vector: Vector, name: str, unit: str, mean: float | None, reference: Range | None, reason: str
) -> None:
    if mean is None:
        vector.problems.append(reason)
        return
    vector.inputs.append(Input(name=name, value=mean, reference=reference, unit=unit))
    vector.assumed.append(name)
