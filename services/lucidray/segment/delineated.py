"""Regions from the study's own structure set."""

from collections.abc import Mapping, Sequence

import numpy as np

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Regions, RegionsFacts, Segment, Volume
from lucidray.core.case import quality_flag
from lucidray.core.errors import Permanent
from lucidray.imaging.codes import MORPHOLOGICALLY_ABNORMAL_STRUCTURE, NEOPLASM
from lucidray.segment.contours import ON_SLICE, Filled, fill_contours
from lucidray.segment.lesions import MOST_SEGMENTS, tracking_uid
from lucidray.segment.structure_set import THING, RegionOfInterest
from lucidray.v1.case_pb2 import QualityFlag

SOURCE = "RTSTRUCT"  # name of the algorithm of a segment that came with the study


def regions_of_interest(
    chosen: Sequence[RegionOfInterest], volumes: Mapping[str, Volume], source_role: str, label: str, case_id: str
) -> tuple[Regions, list[QualityFlag]]:
    """Label map of the chosen regions, one segment each, and remarks.

    Parameters
    ----------
    volumes
        By role.
    source_role
        Whose grid to use; empty: the finest in the regions' frame of reference.

    Raises
    ------
    Permanent
        No volume shares the frame of reference, or the contours do not fit the volume.
    """
    role = source_role or _finest(chosen, volumes)
    if role not in volumes:
        raise Permanent(f"volume of role '{role}'", "harmonize made none", "correct source_role of the step 'segment'")
    grid = volumes[role].grid
    labels = np.zeros(grid.shape, np.uint8)
    segments: list[Segment] = []
    flags: list[QualityFlag] = []
    if left_out := len(chosen) - len(chosen[:MOST_SEGMENTS]):
        message = f"{left_out} ROIs of the structure set are left out: a label map holds {MOST_SEGMENTS}"
        flags.append(quality_flag("segment", "too-many-regions", message))
    for roi in chosen[:MOST_SEGMENTS]:
        thing = f"ROI {roi.number} of the structure set"
        _check_frame(roi, grid, thing)
        filled = fill_contours(roi.contours, grid, thing)
        flags += _fit_flags(filled, roi, grid, thing)
        free = filled.mask & (labels == 0)
        if np.count_nonzero(free) < np.count_nonzero(filled.mask):
            message = f"{thing} overlaps one of a lower number, which keeps the shared voxels"
            flags.append(quality_flag("segment", "overlapping-regions", message))
        if not free.any():
            flags.append(quality_flag("segment", "empty-region", f"{thing} encloses no voxel and is left out"))
            continue
        segments.append(_segment(roi, len(segments) + 1, label, len(chosen) > 1, case_id))
        labels[free] = len(segments)
    return Regions(labels, RegionsFacts(grid=grid, source_role=role, segments=segments)), flags


def _finest(chosen: Sequence[RegionOfInterest], volumes: Mapping[str, Volume]) -> str:
    """Role of the volume of smallest voxels in the frame of reference of the regions."""
    frames = {roi.frame_of_reference_uid for roi in chosen}
    matching = [role for role, volume in volumes.items() if volume.grid.frame_of_reference_uid in frames]
    if not matching:
        raise Permanent(
            THING, "no image of the case has its frame of reference", "select the images that it was drawn on"
        )
    return min(matching, key=lambda role: (volumes[role].grid.voxel_volume, role))


def _check_frame(roi: RegionOfInterest, grid: Grid, thing: str) -> None:
    if roi.frame_of_reference_uid != grid.frame_of_reference_uid:
        raise Permanent(
            thing, "its frame of reference is not that of the image", "choose the image that it was drawn on"
        )


def _fit_flags(filled: Filled, roi: RegionOfInterest, grid: Grid, thing: str) -> list[QualityFlag]:
    remarks = []
    if filled.off_slice > ON_SLICE:
        distance = filled.off_slice * grid.spacing[0]
        remarks.append(("contours-between-slices", f"{thing} has contours up to {distance:.2f} mm off the slices"))
    if filled.planes_outside or filled.cut:
        remarks.append(("region-cut", f"{thing} reaches beyond the image, which cuts it"))
    if roi.open_contours:
        remarks.append(("open-contours", f"{thing} has {roi.open_contours} open contours or points, left out"))
    return [quality_flag("segment", code, message) for code, message in remarks]


def _segment(roi: RegionOfInterest, number: int, label: str, several: bool, case_id: str) -> Segment:
    name = f"{label} {number}" if several else label
    return Segment(
        number=number,
        label=name,
        category=MORPHOLOGICALLY_ABNORMAL_STRUCTURE,
        type=NEOPLASM,
        algorithm_type=roi.algorithm_type,
        algorithm_name=SOURCE,
        tracking_uid=tracking_uid(case_id, number),
        tracking_id=name,
    )
