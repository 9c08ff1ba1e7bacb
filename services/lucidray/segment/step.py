"""The step: SERIES and VOLUME to REGIONS."""

import re
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from lucidray.contracts.catalogue import REGIONS, SERIES, STEPS, VOLUME
from lucidray.contracts.images import Regions, Volume
from lucidray.core.case import quality_flag
from lucidray.core.errors import Permanent
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Parameters, Step, StepResult
from lucidray.segment.delineated import regions_of_interest
from lucidray.segment.predicted import MM3_PER_ML, Limits, found_regions
from lucidray.segment.settings import SegmentSettings
from lucidray.segment.structure_set import THING, RegionOfInterest, choose, read_structure_set
from lucidray.serving.bundle import BundleShelf
from lucidray.serving.engine import open_engine
from lucidray.v1.case_pb2 import QualityFlag

Found = tuple[Regions, list[QualityFlag]]


class SegmentParameters(Parameters):
    """What a workflow may say to segment."""

    source: Literal["rtstruct", "bundle", "rtstruct-or-bundle"] = Field(
        "rtstruct-or-bundle", description="Where regions come from"
    )
    structure_set_role: str = Field("RTSTRUCT", description="Role of the structure set")
    roi_name: str = Field("(?i)^gtv", description="Regular expression: regions of interest to use, by ROIName")
    roi_types: list[str] = Field(
        default_factory=lambda: ["GTV"], description="RTROIInterpretedType to use where no name matches"
    )
    source_role: str = Field(
        "", description="Image on whose grid contours are filled; empty: the finest in their frame of reference"
    )
    label: str = Field("GTV", description="Label of segments from the structure set", max_length=40)
    bundle: str = Field("", description="Bundle to run; empty: the one that is pinned for this step")
    maximum_lesions: int | None = Field(None, ge=1, le=255, description="Keep the largest; none: as the bundle says")
    minimum_volume_ml: float | None = Field(None, ge=0, description="Drop smaller ones; none: as the bundle says")

    @field_validator("roi_name")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error:
            raise ValueError("roi_name is not a regular expression") from None
        return pattern


class SegmentStep(Step[SegmentParameters]):
    """Regions of a case: drawn by a person where there are any, else by a bundle."""

    spec = STEPS["segment"]
    parameters = SegmentParameters

    def __init__(self, settings: SegmentSettings, shelf: BundleShelf) -> None:
        self._settings = settings
        self._shelf = shelf

    def run(self, case: CaseFacts, inputs: Inputs, parameters: SegmentParameters) -> StepResult:
        volumes = {role: inputs.read(VOLUME, role) for role in inputs.roles(VOLUME)}
        chosen = [] if parameters.source == "bundle" else self._chosen(inputs, parameters)
        if chosen:
            regions, flags = regions_of_interest(
                chosen, volumes, parameters.source_role, parameters.label, case.case_id
            )
        else:
            regions, flags = self._predicted(case, volumes, parameters)
        if not regions.facts.segments:
            flags.append(quality_flag("segment", "no-lesion", "no region was found: nothing is measured"))
        return StepResult([Artifact(REGIONS, regions)], flags, _summary(regions))

    def _chosen(self, inputs: Inputs, parameters: SegmentParameters) -> list[RegionOfInterest]:
        """Regions of interest to use; none where there are none and a bundle may stand in."""
        objects = inputs.find(SERIES, parameters.structure_set_role)
        may_be_absent = parameters.source == "rtstruct-or-bundle"
        if objects is None and may_be_absent:
            return []
        if objects is None:
            objects = inputs.read(SERIES, parameters.structure_set_role)
        regions = read_structure_set(objects, self._settings.contour_points)
        chosen = choose(regions, parameters.roi_name, parameters.roi_types)
        if not chosen and not may_be_absent:
            raise Permanent(
                THING,
                f"none of its {len(regions)} regions of interest matches roi_name or roi_types",
                "correct roi_name of the step 'segment' in the workflow",
            )
        return chosen

    def _predicted(self, case: CaseFacts, volumes: Mapping[str, Volume], parameters: SegmentParameters) -> Found:
        name = parameters.bundle or next(iter(sorted(case.bundles)), "")
        if not name:
            raise Permanent(
                f"case {case.case_id}",
                "it has no regions of interest to use, and no bundle is pinned for the step 'segment'",
                "send a structure set with the study, or name a bundle in the workflow",
            )
        if name not in case.bundles:
            raise Permanent(
                f"bundle '{name}'",
                "it was not pinned for the step 'segment' when the case opened",
                "list it under `bundles` of that step in the workflow",
            )
        bundle = self._shelf.find(name, case.bundles[name])
        allowed = Limits(parameters.maximum_lesions, parameters.minimum_volume_ml)
        return found_regions(bundle, open_engine(bundle), volumes, allowed, case.case_id)


def build() -> Step[SegmentParameters]:
    """The step with this process's settings."""
    return SegmentStep(SegmentSettings.load(), BundleShelf())


def _summary(regions: Regions) -> dict[str, str]:
    """Volume of each segment, ml."""
    sizes = np.bincount(regions.labels.ravel(), minlength=len(regions.facts.segments) + 1)
    scale = regions.facts.grid.voxel_volume / MM3_PER_ML
    volumes = {each.label: f"{sizes[each.number] * scale:.2f} ml" for each in regions.facts.segments}
    return {"regions": str(len(volumes)), **volumes}
