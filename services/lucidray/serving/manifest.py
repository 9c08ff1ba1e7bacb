"""What a model bundle says of itself: the schema of `model.yaml`.

Sections that do not apply to a kind of model are left out. Axis order is (z, y, x), lengths are mm.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from lucidray.contracts.grid import Vector
from lucidray.contracts.images import Concept
from lucidray.serving.embedding_spec import Embedding, EmbeddingInput
from lucidray.serving.fields import FileName, Model, Range, Sha256
from lucidray.serving.preprocessing import Operation, is_by_region


class IntendedUse(Model):
    """Whom the model is for, and how far it is approved."""

    statement: str = Field(description="One sentence, printed on results")
    population: str = Field(description="Patients and scans it was made for")
    exclusions: list[str] = Field(default_factory=list, description="Where it must not be used")
    status: str = Field("research use only", description="Regulatory status in words")
    limitations: str = Field(description="One line for the report, e.g. 'n=51, one scanner'")


class ImageInput(Model):
    """One image that the model needs; the order of inputs is the order of channels."""

    role: str = Field(description="Role of the volume in the workflow, e.g. 'PET'")
    modality: Literal["CT", "PT", "MR"]
    unit: str = Field(description="UCUM, as in VolumeFacts.unit")
    spacing_limits: tuple[Range, Range, Range] | None = Field(None, description="Allowed native spacing (z, y, x)")
    outside: float = Field(0.0, description="Value where the network's grid leaves the image")
    corrections: list[str] = Field(default_factory=list, description="DICOM CorrectedImage values needed, e.g. ATTN")


class FeatureInput(Model):
    """One radiomic feature that the model needs; the order of features is that of the input vector."""

    name: str = Field(description="Unique name of this input, e.g. 'PET joint_entropy'")
    feature: str = Field(description="IBSI name in lower case, as in contracts.results.Feature.name")
    ibsi_code: str = ""
    aggregation: str = Field("", description="IBSI code of the aggregation; empty: the first of the preset's")
    filter: str = Field("", description="Response map, as in contracts.results.Feature.filter; empty: the image")
    image_role: str
    unit: str = "1"
    mean: float | None = Field(None, description="Mean in training: the reference of explanations")
    reference: Range | None = Field(None, description="5th and 95th percentile in training")
    limits: Range | None = Field(None, description="Outside these the prediction is withheld")
    on_missing: Literal["withhold", "mean"] = "withhold"


class ClinicalInput(Model):
    """One clinical variable that the model needs, after the features in the input vector."""

    name: str
    concept: Concept
    unit: str = "1"
    category: Concept | None = Field(None, description="The input is 1 where the variable has this code, e.g. Female")
    others: list[Concept] = Field(
        default_factory=list, description="And 0 where it has one of these; the model knows no other code"
    )
    mean: float | None = Field(None, description="Mean in training: the reference of explanations")
    limits: Range | None = Field(None, description="Outside these the prediction is withheld")
    on_missing: Literal["withhold", "mean"] = "withhold"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.category is None) != (not self.others):
            raise ValueError("a category needs others beside it, and they need it")
        return self


class Preset(Model):
    """The feature preset that the model was trained with."""

    name: str
    digest: str


class GridRule(Model):
    """The grid that the model sees."""

    role: str = Field(description="Role of the image that gives origin, axes and extent")
    spacing: Vector | None = Field(None, description="Voxel spacing (z, y, x); none: the native one")


class Prior(Model):
    """Voxels worth looking at: those of an image at or above a value, before preprocessing."""

    role: str
    minimum: float


class Inference(Model):
    """How a volume passes through the network."""

    patch: tuple[int, int, int] = Field(description="Window (z, y, x), voxels")
    overlap: float = Field(0.5, ge=0, lt=1, description="Share of a window that its neighbour covers, along each axis")
    blend: Literal["gaussian", "constant"] = Field("gaussian", description="Weights of overlapping windows")
    sigma: float = Field(
        0.125, ge=0.1, description="Standard deviation of the Gaussian as a share of the patch; less underflows"
    )
    padding: float = Field(0.0, description="Value around volumes smaller than the patch, after preprocessing")
    only_where: Prior | None = Field(None, description="Windows without such a voxel are skipped")
    peak_memory_mib: int | None = None


class Postprocessing(Model):
    """How the network's output becomes lesions."""

    threshold: float = Field(0.5, description="A voxel belongs to the region at or above this output")
    connectivity: Literal[6, 18, 26] = 26
    minimum_volume_ml: float = Field(0.0, ge=0, description="Smaller components are dropped")
    maximum_lesions: int | None = Field(None, ge=1, description="Only the largest are kept")


class Output(Model):
    """One output of the network."""

    name: str = Field(description="Name of the ONNX output")
    index: int = Field(0, ge=0, description="Channel or column of it")
    meaning: str = Field(description="In words, with the time horizon where there is one")
    concept: Concept | None = Field(None, description="What is predicted")
    category: Concept | None = Field(None, description="SegmentedPropertyCategoryCodeSequence")
    type: Concept | None = Field(None, description="SegmentedPropertyTypeCodeSequence")


class OperatingPoint(Model):
    """A threshold with a name."""

    name: str
    threshold: float
    sensitivity: float | None = None
    specificity: float | None = None


class Calibration(Model):
    """How well probabilities agree with frequencies; applied inside the network if at all."""

    method: str
    slope: float | None = None
    intercept: float | None = None
    brier: float | None = None
    remark: str = ""


class LinearModel(Model):
    """The logistic model in the open, for exact contributions.

    logit = intercept + sum(coefficients * (inputs - centre) / scale), inputs in manifest order.
    """

    intercept: float
    coefficients: list[float]
    centre: list[float]
    scale: list[float]


class Interval(Model):
    """How the interval of a probability is made."""

    method: str
    output: str = Field(description="ONNX output (cases, draws) whose percentiles are the limits")
    level: float = Field(0.95, gt=0, lt=1)


class OutOfDistribution(Model):
    """State of the gate: squared Mahalanobis distance of the inputs from the training data."""

    mean: list[float]
    precision: list[list[float]] = Field(description="Inverse covariance matrix")
    limit: float = Field(description="Above it the case is outside")
    quantile: float | None = Field(None, description="Share of training cases within the limit")
    action: Literal["withhold", "flag"] = "withhold"


class ExplanationMethod(Model):
    """A way to explain this model, with what checks of it gave."""

    method: str
    scores: dict[str, float] = Field(default_factory=dict)


class Training(Model):
    """What the model was made from."""

    data: str = Field(description="Collections with citation; 'none' for a rule")
    n: int = Field(ge=0)
    events: int | None = None
    scanners: list[str] = Field(default_factory=list)
    splits: str = Field("", description="How cases were split, what was held out")


class Evaluation(Model):
    """One measured figure, of the model or of a simple baseline beside it."""

    subject: str = Field(description="'model' or the baseline's name")
    metric: str
    value: float
    interval: Range | None = None
    n: int | None = None
    data: str = ""


class Manifest(Model):
    """`model.yaml`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    kind: Literal["segmentation", "classification", "tabular"] = Field(
        description="Of what: voxels, a window around a region, or a vector of features"
    )
    title: str
    intended_use: IntendedUse
    inputs: list[ImageInput] = Field(default_factory=list)
    features: list[FeatureInput] = Field(default_factory=list)
    clinical: list[ClinicalInput] = Field(default_factory=list)
    embeddings: list[EmbeddingInput] = Field(default_factory=list)
    preset: Preset | None = None
    segments: Literal["largest", "each"] = Field("largest", description="Which lesions a tabular model is run on")
    grid: GridRule | None = None
    preprocessing: list[Operation] = Field(default_factory=list, description="On the voxels, after resampling")
    inference: Inference | None = None
    postprocessing: Postprocessing | None = None
    outputs: list[Output] = Field(min_length=1)
    operating_points: list[OperatingPoint] = Field(default_factory=list)
    calibration: Calibration | None = None
    linear: LinearModel | None = None
    interval: Interval | None = None
    embedding: Embedding | None = None
    out_of_distribution: OutOfDistribution | None = None
    explanations: list[ExplanationMethod] = Field(default_factory=list)
    training: Training
    evaluation: list[Evaluation] = Field(default_factory=list)
    licence: str = Field(description="SPDX expression of the bundle")
    files: dict[FileName, Sha256] = Field(description="SHA-256 of each file beside model.yaml")

    @model_validator(mode="after")
    def _scaled(self) -> Self:
        roles = {image.role for image in self.inputs}
        for operation in self.preprocessing:
            if operation.role not in roles:
                raise ValueError(f"preprocessing names the role '{operation.role}', which is no input")
            if is_by_region(operation) and self.kind == "segmentation":
                raise ValueError("a segmentation cannot scale over a region that it is yet to find")
        return self

    @property
    def vector(self) -> list[FeatureInput | ClinicalInput | EmbeddingInput]:
        """What a tabular model takes, in order."""
        return [*self.features, *self.clinical, *self.embeddings]
