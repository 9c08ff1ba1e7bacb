"""Artifacts that are findings: features, predictions, explanations, receipts."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lucidray.contracts.images import Concept

DEEP = "deep"  # family of the components of a network's embedding


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Feature(_Model):
    """One radiomic feature of one region in one image (IBSI reference manual)."""

    name: str = Field(description="IBSI name in lower case, e.g. 'Joint entropy' -> 'joint_entropy'")
    ibsi_code: str = Field("", description="IBSI permanent identifier without brackets, e.g. TU9B; empty if none")
    family: str = Field(description="IBSI family, e.g. 'morphology', 'intensity_statistics', 'glcm'")
    family_code: str = Field("", description="IBSI identifier of the family")
    aggregation: str = Field("", description="Aggregation method as IBSI code, e.g. 3D:avg -> ITBB; empty if none")
    discretisation: str = Field("", description="e.g. 'fixed_bin_size 25 HU', empty if none")
    filter: str = Field("", description="Response map measured, e.g. 'mean 5 mirror'; empty: the image itself")
    value: float | None = Field(description="None where the feature is undefined for this region")
    reason: str = Field("", description="Why there is no value; empty if there is one")
    unit: str = Field("1", description="UCUM")
    image_role: str = Field(description="Role of the volume measured, e.g. 'PET'")
    segment: int = Field(description="Number of the segment measured")


class Features(_Model):
    """All features of a case, with the preset that defines them."""

    preset: str
    preset_digest: str
    software: str = Field(description="Library and version that computed them")
    features: list[Feature]
    bundles: dict[str, str] = Field(
        default_factory=dict, description="Digest, by name, of each bundle whose network gave features"
    )

    def value(
        self,
        name: str,
        image_role: str,
        segment: int,
        ibsi_code: str = "",
        filter: str = "",  # noqa: A002
    ) -> float | None:
        """Value of a feature, the first aggregation of several; None if absent or undefined.

        Texture families share names ('contrast'); `ibsi_code` tells them apart.
        """
        wanted = (name, image_role, segment, filter)
        for feature in self.features:
            if (feature.name, feature.image_role, feature.segment, feature.filter) != wanted:
                continue
            if ibsi_code in ("", feature.ibsi_code):
                return feature.value
        return None


class Input(_Model):
    """One input of a prediction."""

    name: str = Field(description="Name in the bundle's feature list")
    value: float
    reference: tuple[float, float] | None = Field(None, description="5th and 95th percentile in training")
    unit: str = "1"


class Prediction(_Model):
    """What a bundle predicts for one segment."""

    bundle: str
    bundle_version: str
    bundle_digest: str
    outcome: Concept = Field(description="What is predicted")
    outcome_text: str = Field(description="In words, with the time horizon where there is one")
    status: Literal["predicted", "withheld"] = Field(description="Withheld outside the intended use")
    reason: str = Field("", description="Why withheld")
    probability: float | None = Field(None, ge=0, le=1)
    interval: tuple[float, float] | None = Field(None, description="Of the probability")
    interval_level: float = 0.95
    interval_method: str = ""
    operating_point: str = Field("", description="e.g. 'high risk (>= 0.41)'")
    out_of_distribution: float | None = Field(None, description="Squared Mahalanobis distance of the inputs")
    out_of_distribution_limit: float | None = None
    inputs: list[Input] = Field(default_factory=list)
    segment: int
    intended_use: str
    limitations: str = Field(description="One line for the report, e.g. 'research use only; n=51'")


class Contribution(_Model):
    """What one input adds to the logit, relative to the training mean."""

    name: str
    value: float
    contribution: float


class DeletionCheck(_Model):
    """Does the explanation name what the model uses? Inputs are set to the training mean in the
    explained order and in random orders; faithful means that the output falls faster."""

    explained_area: float = Field(description="Area under the output along the explained order")
    random_area: float = Field(description="Mean over random orders")
    passed: bool


class Explanation(_Model):
    """Why a prediction is what it is."""

    bundle: str
    bundle_digest: str
    method: str = Field(description="e.g. 'linear contributions (exact)'")
    base_logit: float = Field(description="Output at the training mean")
    logit: float
    contributions: list[Contribution]
    additive_error: float = Field(description="|base + sum(contributions) - logit|")
    deletion: DeletionCheck
    segment: int


class Receipt(_Model):
    """One object at one destination."""

    destination: str
    object_digest: str
    kind: str
    status: str = Field(description="'stored' or 'already there'")
    dicom_status: str = Field(description="Status of the C-STORE response, four hex digits")
    attempts: int


class Receipts(_Model):
    """What was delivered where."""

    receipts: list[Receipt]
