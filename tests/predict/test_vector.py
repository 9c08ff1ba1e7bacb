"""One vector of handcrafted features, clinical variables and embeddings."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lucidray.contracts.clinical import ClinicalVariable
from lucidray.contracts.images import Concept
from lucidray.contracts.results import Feature, Features
from lucidray.predict.vector import Vector, make_vector
from lucidray.serving.bundle import Bundle

AGE = Concept(value="121033", scheme="DCM", meaning="Subject Age")
DIGEST, OTHER = "a" * 64, "b" * 64
EMBEDDED = {"name": "rough mean 7", "bundle": "net", "digest": DIGEST, "layer": "rough", "component": "mean_7"}


def with_component(features: Features, value: float | None, digest: str = DIGEST) -> Features:
    """The handcrafted features, and one component of an embedding beside others of like name."""
    made = [
        Feature(name=name, family="deep", filter=filter_, value=number, image_role="PET", segment=segment)
        for name, filter_, number, segment in (
            ("mean_7", "net fine", 1.0, 1),
            ("mean_7", "net rough", 2.0, 2),
            ("max_7", "net rough", 3.0, 1),
            ("mean_7", "net rough", value, 1),
        )
    ]
    return features.model_copy(update={"features": [*made, *features.features], "bundles": {"net": digest}})


def age(value: float, unit: str = "a") -> ClinicalVariable:
    return ClinicalVariable(concept=AGE.model_copy(update={"meaning": "Age"}), value=value, unit=unit)


def vector(variant: Callable[..., Bundle], features: Features, *variables: ClinicalVariable, **changes: Any) -> Vector:
    clinical = {"name": "age", "concept": AGE.model_dump(), "unit": "a", "limits": [18, 90], "mean": 60.0}
    bundle = variant(clinical=[clinical | changes.pop("clinical", {})], embeddings=[EMBEDDED | changes])
    return make_vector(bundle.manifest, features, 1, variables)


def test_handcrafted_clinical_and_deep_stand_in_the_order_of_the_manifest(
    variant: Callable[..., Bundle], bundle: Bundle, features: Features
) -> None:
    made = vector(variant, with_component(features, 0.25), age(47))
    assert (made.problems, made.assumed) == ([], [])
    means = [each.mean for each in bundle.manifest.features]
    np.testing.assert_array_equal(made.values, [[*means, 47, 0.25]])
    assert [each.name for each in made.inputs][-2:] == ["age", "rough mean 7"]


def test_what_is_not_known_stands_at_the_mean_or_withholds(variant: Callable[..., Bundle], features: Features) -> None:
    lacking = vector(variant, features)
    assert "age (Subject Age, DCM 121033) is not known" in lacking.problems[0]
    assert lacking.problems[1:] == ["rough mean 7 was not measured"]
    undefined = vector(variant, with_component(features, None), age(47))
    assert undefined.problems == ["rough mean 7 is undefined here"]
    assumed = vector(variant, features, clinical={"on_missing": "mean"}, on_missing="mean", mean=0.1)
    assert (assumed.problems, assumed.assumed) == ([], ["age", "rough mean 7"])
    assert [each.value for each in assumed.inputs[-2:]] == [60, 0.1]


def test_units_and_limits_hold_for_all_kinds(variant: Callable[..., Bundle], features: Features) -> None:
    assert vector(variant, with_component(features, 1), age(564, "mo")).problems == [
        "age (Subject Age, DCM 121033) is in mo, not a"
    ]
    assume = {"on_missing": "mean"}  # of what is not known; what is known wrongly is a problem
    assert vector(variant, with_component(features, 1), age(564, "mo"), clinical=assume).assumed == []
    made = vector(variant, with_component(features, 9), age(12), limits=[-3, 3])
    assert made.problems == ["age is outside 18 to 90", "rough mean 7 is 9, outside -3 to 3"]


def test_another_version_of_the_network_says_something_else(variant: Callable[..., Bundle], features: Features) -> None:
    made = vector(variant, with_component(features, 1, OTHER), age(47))
    assert made.problems == ["rough mean 7 is of another version of net (bbbbbbbb)"]
