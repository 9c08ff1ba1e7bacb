"""Results as highdicom makes them: what steps of the analysis zone could write about de-identified slices."""

from datetime import datetime
from typing import Any

import highdicom as hd
import numpy as np
import numpy.typing as npt
from highdicom.sr import (
    Comprehensive3DSR,
    Measurement,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    ReferencedSegment,
    SourceImageForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

Ramp = npt.NDArray[np.uint16]
MADE = datetime(2026, 5, 6, 7, 8, 9)


def segmentation(slices: list[Dataset]) -> hd.seg.Segmentation:
    mask = np.zeros((len(slices), 8, 8), dtype=np.uint8)
    mask[1:, 2:5, 3:6] = 1
    description = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="Lesion",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Lesion,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=generate_uid(),
        tracking_id="lesion 1",
    )
    return hd.seg.Segmentation(
        source_images=slices,
        pixel_array=mask,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[description],
        series_instance_uid=generate_uid(),
        series_number=900,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="Lucidray",
        manufacturer_model_name="Lucidray",
        software_versions="1",
        device_serial_number="1",
        content_date=MADE.date(),
        content_time=MADE.time(),
        series_date=MADE.date(),
        series_time=MADE.time(),
    )


def report(slices: list[Dataset], seg: Dataset, physician: str = "Lucidray^") -> Comprehensive3DSR:
    roi = ReferencedSegment(
        sop_class_uid=seg.SOPClassUID,
        sop_instance_uid=seg.SOPInstanceUID,
        segment_number=1,
        source_images=[SourceImageForSegmentation(one.SOPClassUID, one.SOPInstanceUID) for one in slices],
    )
    group = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=generate_uid(), identifier="lesion 1"),
        referenced_segment=roi,
        finding_type=codes.SCT.Lesion,
        measurements=[Measurement(name=codes.SCT.Volume, value=12.5, unit=codes.UCUM.CubicMillimeter)],
    )
    content = MeasurementReport(
        observation_context=ObservationContext(
            observer_person_context=ObserverContext(
                observer_type=codes.DCM.Person,
                observer_identifying_attributes=PersonObserverIdentifyingAttributes(name=physician),
            )
        ),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=[group],
        title=codes.DCM.ImagingMeasurementReport,
    )
    return Comprehensive3DSR(
        evidence=[seg, *slices],
        content=content,
        series_instance_uid=generate_uid(),
        series_number=901,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="Lucidray",
        is_complete=True,
        is_final=False,
        series_date=MADE.date(),
        series_time=MADE.time(),
        content_date=MADE.date(),
        content_time=MADE.time(),
    )


def _header(number: int) -> dict[str, Any]:
    return {
        "series_instance_uid": generate_uid(),
        "series_number": number,
        "sop_instance_uid": generate_uid(),
        "instance_number": 1,
        "manufacturer": "Lucidray",
        "manufacturer_model_name": "Lucidray",
        "software_versions": "1",
        "device_serial_number": "1",
    }


def parametric_map(slices: list[Dataset]) -> Dataset:
    """A map of floats on the slices."""
    mapping = hd.pm.RealWorldValueMapping("saliency", "saliency", codes.UCUM.NoUnits, (0.0, 1.0), 1.0, 0.0)
    return hd.pm.ParametricMap(
        source_images=slices,
        pixel_array=np.linspace(0, 1, len(slices) * 64, dtype=np.float32).reshape(-1, 8, 8),
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[hd.VOILUTTransformation(0.5, 1.0)],
        **_header(902),
    )


def presentation_state(slices: list[Dataset]) -> Dataset:
    """A circle on the first slice (GSPS)."""
    circle = hd.pr.GraphicObject(
        graphic_type=hd.pr.GraphicTypeValues.CIRCLE,
        graphic_data=np.array([[4.0, 4.0], [6.0, 4.0]]),
        units=hd.pr.AnnotationUnitsValues.PIXEL,
        tracking_id="lesion 1",
        tracking_uid=generate_uid(),
    )
    layer = hd.pr.GraphicLayer("FINDINGS", 1)
    annotation = hd.pr.GraphicAnnotation(slices[:1], layer, graphic_objects=[circle])
    return hd.pr.GrayscaleSoftcopyPresentationState(
        referenced_images=slices,
        content_label="FINDINGS",
        graphic_annotations=[annotation],
        graphic_layers=[layer],
        **_header(903),
    )


def blending(slices: list[Dataset], overlaid: Dataset) -> Dataset:
    """The slices in grey, the map in colour over them (Advanced Blending)."""
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    grey, hot = _palette(ramp, ramp, ramp), _palette(ramp, ramp * 0, ramp * 0)
    return hd.pr.AdvancedBlendingPresentationState(
        referenced_images=[*slices, overlaid],
        blending=[
            hd.pr.AdvancedBlending(slices, 1, palette_color_lut_transformation=grey),
            hd.pr.AdvancedBlending([overlaid], 2, palette_color_lut_transformation=hot),
        ],
        blending_display=[
            hd.pr.BlendingDisplay("FOREGROUND", [hd.pr.BlendingDisplayInput(each) for each in (1, 2)], None, 0.4)
        ],
        content_label="SALIENCY",
        **_header(904),
    )


def _palette(red: Ramp, green: Ramp, blue: Ramp) -> hd.PaletteColorLUTTransformation:
    return hd.PaletteColorLUTTransformation(
        hd.PaletteColorLUT(0, red, "red"),
        hd.PaletteColorLUT(0, green, "green"),
        hd.PaletteColorLUT(0, blue, "blue"),
        palette_color_lut_uid=generate_uid(),
    )


def all_results(slices: list[Dataset]) -> dict[str, Dataset]:
    """One of each kind, by role."""
    seg, saliency = segmentation(slices), parametric_map(slices)
    return {
        "SEG": seg,
        "SR": report(slices, seg),
        "PM": saliency,
        "GSPS": presentation_state(slices),
        "BLENDING": blending(slices, saliency),
    }
