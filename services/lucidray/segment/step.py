"""The step: SERIES and VOLUME to REGIONS."""

from collections.abc import Mapping

import numpy as np

from lucidray.contracts.catalogue import REGIONS, SERIES, STEPS, VOLUME
from lucidray.contracts.images import Regions, Volume
from lucidray.contracts.parameters import SegmentParameters
from lucidray.core.case import quality_flag
from lucidray.core.errors import Permanent
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Step, StepResult
from lucidray.segment.delineated import regions_of_interest
from lucidray.segment.predicted import MM3_PER_ML, Limits, found_regions
from lucidray.segment.settings import SegmentSettings
from lucidray.segment.structure_set import THING, RegionOfInterest, choose, read_structure_set
from lucidray.serving.bundle import BundleShelf
from lucidray.serving.engine import open_engine
from lucidray.v1.case_pb2 import QualityFlag

Found = tuple[Regions, list[QualityFlag]]


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
