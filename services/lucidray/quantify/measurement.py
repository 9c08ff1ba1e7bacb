"""One measurement: families of features in one image after one processing."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from lucidray.core.errors import Permanent
from lucidray.imaging.resample import Interpolation
from lucidray.quantify.catalogue import features
from lucidray.quantify.filters import FilterSpec, support
from lucidray.quantify.higher.definitions import HigherFamily
from lucidray.quantify.ibsi import DISCRETISED, Aggregation, Family, aggregation_code
from lucidray.quantify.processing import (
    CooccurrenceParameters,
    DependenceParameters,
    Discretisation,
    Model,
    RunLengthParameters,
    ToneDifferenceParameters,
)

# A response map says nothing about shape, and its local peak and volume fractions have no meaning of their own.
_OF_RESPONSES = ("intensity_statistics", *DISCRETISED)

# IBSI manual, section 3.5: HU as they are, SUV in steps of 0.1, 1000 bins where units are arbitrary.
_VOLUME_HISTOGRAM = {
    "CT": Discretisation(method="none", value=None),
    "PT": Discretisation(method="fixed_bin_size", value=0.1),
}
_ARBITRARY = Discretisation(method="fixed_bin_number", value=1000)


LEAST_STEP = 0.01  # mm: finer than a micro-CT of a specimen; below it the grid of a tumour would take terabytes

Step = Annotated[float, Field(ge=LEAST_STEP)]  # mm


class Measurement(Model):
    """Families that are measured in one image after the same processing."""

    role: str = Field(description="Role of the volume in the workflow, e.g. 'PET'")
    modality: Literal["CT", "PT", "MR", "OT"]
    unit: str = Field(description="UCUM unit that the voxels must have")
    spacing: tuple[Step | None, Step | None, Step | None] | None = Field(
        None, description="Grid of the measurement (z, y, x), mm; none: the native one, of an axis or of all"
    )
    interpolation: Interpolation = Field("linear", description="Of the image")
    mask_interpolation: Literal["linear", "nearest"] = Field(
        "linear", description="Of the mask; linear is followed by 'at least one half'"
    )
    rounded: bool = Field(False, description="Round to whole numbers after resampling (HU)")
    intensity_range: tuple[float | None, float | None] = Field(
        (None, None), description="Voxels outside are left out of the intensity mask (re-segmentation)"
    )
    outliers: float | None = Field(
        None, gt=0, description="Voxels further from the region's mean than so many standard deviations are left out"
    )
    discretisation: Discretisation | None = None
    ivh_discretisation: Discretisation | None = Field(
        None,
        description="Of the intensity-volume histogram; none: whole numbers as they are in CT, SUV in steps of 0.1, "
        "1000 bins where units are arbitrary (IBSI manual, section 3.5)",
    )
    aggregation: Aggregation | list[Aggregation] = Field("3D:mrg", description="Of texture matrices; one or several")
    glcm: CooccurrenceParameters = CooccurrenceParameters()
    glrlm: RunLengthParameters = RunLengthParameters()
    ngtdm: ToneDifferenceParameters = ToneDifferenceParameters()
    ngldm: DependenceParameters = DependenceParameters()
    families: list[Family | HigherFamily] = Field(min_length=1)
    without: list[str] = Field(default_factory=list, description="Names of features that are left out")
    voxel_number_normalised: bool = Field(
        False, description="Add variants, with the number of voxels divided out, of the features that depend on it"
    )
    filters: list[FilterSpec] = Field(default_factory=list, description="Filters; each gives a response map")
    filter_families: list[Family] = Field(
        ["intensity_statistics"], description="Families measured in each response map"
    )
    filter_discretisation: Discretisation = Field(
        Discretisation(method="fixed_bin_number", value=32),
        description="Of response maps: their units are arbitrary, hence a number of bins",
    )

    @property
    def volume_histogram(self) -> Discretisation:
        """Discretisation of the intensity-volume histogram: the preset's, or what the manual recommends."""
        return self.ivh_discretisation or _VOLUME_HISTOGRAM.get(self.modality, _ARBITRARY)

    @property
    def aggregations(self) -> Sequence[Aggregation]:
        """One or several, as a sequence."""
        return [self.aggregation] if isinstance(self.aggregation, str) else self.aggregation

    def aggregations_of(self, family: str) -> Sequence[Aggregation]:
        """Those that differ for a family: matrices without directions have three, other families one."""
        return list({aggregation_code(family, each): each for each in self.aggregations}.values())

    @property
    def meaning(self) -> dict[str, Any]:
        """Every field in one spelling, with what the defaults stand for: equal where the same is measured."""
        return self.model_dump(mode="json") | {
            "spacing": self.spacing if self.spacing and any(self.spacing) else None,
            "ivh_discretisation": self.volume_histogram.model_dump(mode="json"),
            "aggregation": list(self.aggregations),
            **{name: sorted(getattr(self, name)) for name in ("families", "without", "filter_families")},
        }

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if any(family in DISCRETISED for family in self.families) and self.discretisation is None:
            raise ValueError("histogram and texture families need a discretisation")
        bins = self.discretisation
        from_range = bins is not None and bins.method == "fixed_bin_size" and bins.start == "range"
        if from_range and self.intensity_range[0] is None:
            raise ValueError("fixed_bin_size starts at the lower end of intensity_range, which is not given")
        low, high = self.intensity_range
        if low is not None and high is not None and low >= high:
            raise ValueError(f"intensity_range begins at {low:g}, which is not below its end, {high:g}")
        if not self.aggregations or len(set(self.aggregations)) < len(self.aggregations):
            raise ValueError("aggregation names at least one method, and each once")
        if self.voxel_number_normalised and not all(each.startswith("3D") for each in self.aggregations):
            raise ValueError("voxel_number_normalised needs 3D aggregation: slices have numbers of voxels of their own")
        return self

    @model_validator(mode="after")
    def _known(self) -> Self:
        names = {each.name for each in features().values() if each.family in self.families}
        unknown = sorted(set(self.without) - names)
        if unknown:
            raise ValueError(f"no such features to leave out: {', '.join(unknown)}")
        unfit = [family for family in self.filter_families if family not in _OF_RESPONSES]
        if unfit:
            raise ValueError(f"not measured in response maps: {', '.join(unfit)}")
        labels = [each.label for each in self.filters]
        if len(set(labels)) < len(labels):
            raise ValueError("a filter is named twice")
        return self

    @model_validator(mode="after")
    def _filterable(self) -> Self:
        z, y, x = self.spacing or (None, None, None)
        if z and y and x:
            for spec in self.filters:
                try:
                    support((z, y, x), spec)
                except Permanent as error:
                    raise ValueError(str(error)) from None
        return self
