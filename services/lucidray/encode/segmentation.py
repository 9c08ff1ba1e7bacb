"""The Segmentation object (PS3.3 A.51): one binary segment per region, on the source's own frames."""

from collections.abc import Sequence

import numpy as np
from highdicom.color import CIELabColor
from highdicom.content import AlgorithmIdentificationSequence, PixelMeasuresSequence
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.uid import ExplicitVRLittleEndian

from lucidray.contracts.images import Regions, Segment
from lucidray.encode.concepts import BUNDLE_FAMILY, coded
from lucidray.encode.header import MANUFACTURER, MAX_LONG_STRING, Header, finish
from lucidray.encode.source import SourceSeries

# RecommendedDisplayCIELabValue by turns: colours that differ in hue also for red-green-blind readers.
COLOURS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167), (0, 114, 178))
UNKNOWN_VERSION = "unknown"


def write_segmentation(regions: Regions, source: SourceSeries, header: Header) -> Segmentation:
    """A binary SEG of all regions.

    Frames without a voxel of the segment are left out, and so are source images outside the
    extent of all segments: viewers place frames by position, and 300 empty ones slow them down.

    Parameters
    ----------
    regions
        Label map (z, y, x) on the grid of `source`; at least one voxel is not background.
    source
        Slices in z order.
    header
        Series, equipment, time.
    """
    occupied = np.flatnonzero(regions.labels.any(axis=(1, 2)))
    extent = slice(int(occupied[0]), int(occupied[-1]) + 1)
    first = source.slices[0]
    spacing = source.facts.grid.spacing[0]
    document = Segmentation(
        source_images=source.slices[extent],
        pixel_array=np.ascontiguousarray(regions.labels[extent]),
        segmentation_type="BINARY",
        segment_descriptions=[_description(segment) for segment in regions.facts.segments],
        # From the source's own header, so that in-plane spacing is equal to the last digit; the
        # distance of slices is the grid's, for readers that cannot see it across omitted frames.
        pixel_measures=PixelMeasuresSequence(
            pixel_spacing=[float(value) for value in first.PixelSpacing],
            slice_thickness=float(first.SliceThickness),
            spacing_between_slices=spacing,
        ),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        omit_empty_frames=True,
        content_label="SEGMENTATION",
        content_description=_content_description(regions.facts.segments),
        **header.series("SEG", "segmentation", 0),
    )
    document.ContentCreatorName = ""  # type 2, and no person made it
    dimensions = header.uids.uid("SEG dimensions")  # highdicom's own is random
    for item in (*document.DimensionOrganizationSequence, *document.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    finish(document, header)
    return document


def segment_frames(regions: Regions, number: int) -> list[int]:
    """Indices z of the slices that hold a voxel of a segment: the frames its SEG must have."""
    return [int(z) for z in np.flatnonzero(regions.mask(number).any(axis=(1, 2)))]


def _description(segment: Segment) -> SegmentDescription:
    manual = segment.algorithm_type == "MANUAL"
    algorithm = None
    if not manual:
        algorithm = AlgorithmIdentificationSequence(
            name=segment.algorithm_name[:MAX_LONG_STRING],
            family=BUNDLE_FAMILY,
            version=(segment.algorithm_version or UNKNOWN_VERSION)[:MAX_LONG_STRING],
            source=MANUFACTURER,
        )
    return SegmentDescription(
        segment_number=segment.number,
        segment_label=segment.label[:MAX_LONG_STRING],
        segmented_property_category=coded(segment.category),
        segmented_property_type=coded(segment.type),
        algorithm_type=segment.algorithm_type,
        algorithm_identification=algorithm,
        tracking_uid=segment.tracking_uid,
        tracking_id=segment.tracking_id,
        display_color=CIELabColor.from_rgb(*COLOURS[(segment.number - 1) % len(COLOURS)]),
    )


def _content_description(segments: Sequence[Segment]) -> str:
    labels = ", ".join(segment.label for segment in segments)
    return labels if len(labels) <= MAX_LONG_STRING else f"{len(segments)} regions"
