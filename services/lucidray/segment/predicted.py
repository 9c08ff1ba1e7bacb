"""Regions from a served network."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lucidray.contracts.images import Regions, RegionsFacts, Segment, Volume
from lucidray.core.case import quality_flag
from lucidray.imaging.codes import LESION, MORPHOLOGICALLY_ABNORMAL_STRUCTURE
from lucidray.segment.lesions import MOST_SEGMENTS, Lesions, separate, tracking_uid
from lucidray.segment.network import output_map
from lucidray.serving.bundle import Bundle
from lucidray.serving.engine import Engine
from lucidray.serving.manifest import Postprocessing
from lucidray.v1.case_pb2 import QualityFlag

MM3_PER_ML = 1000


@dataclass(frozen=True)
class Limits:
    """What a workflow may tighten; None: as the bundle says."""

    maximum_lesions: int | None = None
    minimum_volume_ml: float | None = None


def found_regions(
    bundle: Bundle, engine: Engine, volumes: Mapping[str, Volume], limits: Limits, case_id: str
) -> tuple[Regions, list[QualityFlag]]:
    """Lesions that a bundle finds, the largest first, and remarks.

    Raises
    ------
    Permanent
        The images are not what the bundle was made for.
    """
    output, role = output_map(bundle, engine, volumes)
    grid = volumes[role].grid
    rule = bundle.manifest.postprocessing or Postprocessing()
    minimum = rule.minimum_volume_ml if limits.minimum_volume_ml is None else limits.minimum_volume_ml
    maximum = limits.maximum_lesions or rule.maximum_lesions or MOST_SEGMENTS
    lesions = separate(
        output >= rule.threshold, rule.connectivity, math.ceil(minimum * MM3_PER_ML / grid.voxel_volume), maximum
    )
    segments = [_segment(bundle, number, case_id) for number in range(1, len(lesions.sizes) + 1)]
    facts = RegionsFacts(grid=grid, source_role=role, segments=segments)
    return Regions(lesions.labels, facts), _flags(bundle, lesions, minimum, maximum)


def _segment(bundle: Bundle, number: int, case_id: str) -> Segment:
    output = bundle.manifest.outputs[0]
    label = f"{output.meaning} {number}"
    return Segment(
        number=number,
        label=label,
        category=output.category or MORPHOLOGICALLY_ABNORMAL_STRUCTURE,
        type=output.type or LESION,
        algorithm_type="AUTOMATIC",
        algorithm_name=bundle.name,
        algorithm_version=bundle.version,
        tracking_uid=tracking_uid(case_id, number),
        tracking_id=label,
    )


def _flags(bundle: Bundle, lesions: Lesions, minimum: float, maximum: int) -> list[QualityFlag]:
    flags = [
        quality_flag(
            "segment", "automatic-regions", f"regions by '{bundle.name}' {bundle.version}: {_use(bundle)}", warning=True
        )
    ]
    if lesions.too_small:
        message = f"{lesions.too_small} components smaller than {minimum:g} ml are left out"
        flags.append(quality_flag("segment", "small-components", message, warning=False))
    if lesions.too_many:
        message = f"only the {maximum} largest lesions are kept; {lesions.too_many} more are left out"
        flags.append(quality_flag("segment", "lesions-left-out", message))
    return flags


def _use(bundle: Bundle) -> str:
    return bundle.manifest.intended_use.limitations
