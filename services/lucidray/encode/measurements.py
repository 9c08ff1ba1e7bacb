"""Measurement groups of regions (PS3.16 TID 1411): where, which lesion, how much."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from highdicom.sr import (
    AlgorithmIdentification,
    CodeContentItem,
    CodedConcept,
    ContentSequence,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.sr.coding import Code

from lucidray.contracts.images import Regions, Segment
from lucidray.contracts.results import DEEP, Feature, Features
from lucidray.encode.concepts import (
    EMBEDDING,
    UNDEFINED,
    VOXEL_VOLUME,
    coded,
    feature_concept,
    feature_modifiers,
    unit_concept,
)
from lucidray.encode.header import MANUFACTURER, software_version

MeasurementGroup = VolumetricROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations


@dataclass(frozen=True)
class SegmentReference:
    """Where the segments of the report lie."""

    sop_class_uid: str
    sop_instance_uid: str
    source_series_uid: str

    def to(self, number: int) -> ReferencedSegment:
        """Content items that refer to one segment and to the series that was segmented.

        Built item by item: highdicom's `from_segmentation` fails on the single segments that it wrote itself.
        """
        return ReferencedSegment(
            self.sop_class_uid,
            self.sop_instance_uid,
            number,
            source_series=SourceSeriesForSegmentation(self.source_series_uid),
        )


def region_groups(
    regions: Regions, features: Features | None, modalities: Mapping[str, str], reference: SegmentReference
) -> list[VolumetricROIMeasurementsAndQualitativeEvaluations]:
    """One group for each segment, in their order.

    Parameters
    ----------
    regions
        The segments.
    features
        Their features; a segment without any gets its volume, so that no group is empty. Embeddings are only
        named: their components have no meaning of their own to a reader.
    modalities
        DICOM Modality of the images measured, by role.
    reference
        The SEG and its source series.
    """
    return [_region_group(segment, regions, features, modalities, reference) for segment in regions.facts.segments]


def tracking(segment: Segment) -> TrackingIdentifier:
    """The lesion, by the same identifiers as in the SEG."""
    return TrackingIdentifier(uid=segment.tracking_uid, identifier=segment.tracking_id)


def text_item(name: Code | CodedConcept, value: str) -> TextContentItem:
    """A qualitative evaluation in words (TID 1501 row 12)."""
    return TextContentItem(name, value, RelationshipTypeValues.CONTAINS)


def modify(measurement: Measurement, pairs: Sequence[tuple[CodedConcept, CodedConcept]]) -> Measurement:
    """Add coded modifiers (TID 300 and TID 1419 row 6) in front of the measurement's other children."""
    items = [CodeContentItem(name, value, RelationshipTypeValues.HAS_CONCEPT_MOD) for name, value in pairs]
    children = measurement[0].get("ContentSequence", [])
    measurement[0].ContentSequence = ContentSequence([*items, *children])
    return measurement


def _region_group(
    segment: Segment,
    regions: Regions,
    features: Features | None,
    modalities: Mapping[str, str],
    reference: SegmentReference,
) -> VolumetricROIMeasurementsAndQualitativeEvaluations:
    found = [feature for feature in features.features if feature.segment == segment.number] if features else []
    own = [feature for feature in found if feature.family != DEEP]
    shared = {modality for modality, count in Counter(modalities.values()).items() if count > 1}
    measurements = [
        _measurement(feature, feature.value, modalities.get(feature.image_role, ""), shared)
        for feature in own
        if feature.value is not None
    ]
    group = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(segment),
        referenced_segment=reference.to(segment.number),
        finding_category=coded(segment.category),
        finding_type=coded(segment.type),
        algorithm_id=_software(features) if features and own else None,
        measurements=measurements or [_volume(regions, segment)],
    )
    undefined = [_undefined(feature) for feature in own if feature.value is None]
    if undefined:
        group[0].ContentSequence.append(text_item(UNDEFINED, ", ".join(undefined)))
    for name, count in Counter(feature.filter for feature in found if feature.family == DEEP).items():
        text = f"{name}: {count} components, kept with the case and left out of this report"
        group[0].ContentSequence.append(text_item(EMBEDDING, text))
    return group


def _undefined(feature: Feature) -> str:
    """A feature without value, and why."""
    where = ", ".join(part for part in (feature.image_role, feature.filter) if part)
    return f"{feature.name} ({where}{': ' if feature.reason else ''}{feature.reason})"


def _measurement(feature: Feature, value: float, modality: str, shared: set[str]) -> Measurement:
    measurement = Measurement(feature_concept(feature), value, unit_concept(feature.unit))
    return modify(measurement, feature_modifiers(feature, modality, name_role=modality in shared))


def _volume(regions: Regions, segment: Segment) -> Measurement:
    volume = int(regions.mask(segment.number).sum()) * regions.facts.grid.voxel_volume
    return Measurement(
        VOXEL_VOLUME,
        volume,
        unit_concept("mm3"),
        algorithm_id=AlgorithmIdentification(name=f"{MANUFACTURER} encode", version=software_version()),
    )


def _software(features: Features) -> AlgorithmIdentification:
    name, _, version = features.software.rpartition(" ")
    return AlgorithmIdentification(
        name=name or features.software,
        version=version if name else "unknown",
        parameters=[f"preset {features.preset}, sha256 {features.preset_digest}"],
    )
