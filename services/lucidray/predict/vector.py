"""From the features of a region to the inputs of a bundle."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.contracts.clinical import ClinicalVariable
from lucidray.contracts.results import Feature, Features, Input
from lucidray.predict.clinical import clinical_number
from lucidray.serving.embedding_spec import EmbeddingInput
from lucidray.serving.manifest import ClinicalInput, FeatureInput, Manifest

Wanted = FeatureInput | ClinicalInput | EmbeddingInput


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


def make_vector(
    manifest: Manifest, features: Features, segment: int, variables: Sequence[ClinicalVariable] = ()
) -> Vector:
    """The inputs that a bundle wants, of one segment: handcrafted features, clinical variables, embeddings.

    What is not known stands at the training mean where the bundle allows it, otherwise it is a problem.
    """
    vector = Vector([], [], [])
    for wanted in manifest.features:
        _add_feature(vector, wanted, wanted.unit, _find(features, wanted, segment))
    for clinical in manifest.clinical:
        number = clinical_number(clinical, variables)
        if number.value is not None or number.unknown:
            _add(vector, clinical, clinical.unit, number.value, number.lack)
        else:
            vector.problems.append(number.lack)
    for embedded in manifest.embeddings:
        digest = features.bundles.get(embedded.bundle, embedded.digest)
        if digest == embedded.digest:
            _add_feature(vector, embedded, "1", _component(features, embedded, segment))
        else:
            vector.problems.append(f"{embedded.name} is of another version of {embedded.bundle} ({digest[:8]})")
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


def _component(features: Features, wanted: EmbeddingInput, segment: int) -> Feature | None:
    where = (wanted.component, f"{wanted.bundle} {wanted.layer}", segment)
    found = (each for each in features.features if (each.name, each.filter, each.segment) == where)
    return next(found, None)


def _add_feature(vector: Vector, wanted: FeatureInput | EmbeddingInput, unit: str, feature: Feature | None) -> None:
    if feature is None:
        _add(vector, wanted, unit, None, f"{wanted.name} was not measured")
    elif feature.unit != unit:
        vector.problems.append(f"{wanted.name} is in {feature.unit}, not {unit}")
    else:
        _add(vector, wanted, unit, feature.value, f"{wanted.name} is undefined here")


def _add(vector: Vector, wanted: Wanted, unit: str, value: float | None, lack: str) -> None:
    """Add a value, or what stands for it, or why there is neither."""
    if value is None and wanted.on_missing == "mean" and wanted.mean is not None:
        value = wanted.mean
        vector.assumed.append(wanted.name)
    if value is None:
        vector.problems.append(lack)
        return
    reference = None if isinstance(wanted, ClinicalInput) else wanted.reference
    vector.inputs.append(Input(name=wanted.name, value=value, reference=reference, unit=unit))
    if wanted.limits is not None and not wanted.limits[0] <= value <= wanted.limits[1]:
        low, high = wanted.limits
        # Problems travel with the case: what is known of the patient stays in its artifact.
        shown = "" if isinstance(wanted, ClinicalInput) else f" {value:.4g},"
        vector.problems.append(f"{wanted.name} is{shown} outside {low:g} to {high:g}")
