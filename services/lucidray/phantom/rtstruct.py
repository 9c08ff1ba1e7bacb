"""The RT structure set that holds the truth (DICOM PS3.3 A.19)."""

from collections.abc import Sequence
from datetime import timedelta

from pydicom.dataset import Dataset

from lucidray.phantom import modules
from lucidray.phantom.lesion import Lesion
from lucidray.phantom.visit import Visit

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
_DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"
ROI_NAME = "GTV"
_ROI_NUMBER = 1


def structure_set(visit: Visit, ct: Sequence[Dataset]) -> Dataset:
    """Exact contours of the lesion on every CT slice that cuts it, as one ROI named GTV."""
    drawn = visit.start + timedelta(hours=3)
    dataset = modules.new_object(visit, SOP_CLASS, visit.uid("RTSTRUCT"))
    modules.series(dataset, visit, "RTSTRUCT", 5, "Contours of the truth")
    dataset.Manufacturer, dataset.ManufacturerModelName = "LUCIDRAY VIRTUAL CONTOURING", "Exact Outline"
    dataset.SoftwareVersions, dataset.StationName = "1", "CONTOUR1"
    dataset.InstitutionName = visit.scanner.institution
    dataset.SeriesDate, dataset.SeriesTime = modules.day(drawn), modules.time(drawn)
    dataset.StructureSetLabel, dataset.StructureSetName = "TRUTH", "Truth of the phantom"
    dataset.StructureSetDate, dataset.StructureSetTime = modules.day(drawn), modules.time(drawn)
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = visit.frame_of_reference_uid, ""
    dataset.ReferencedFrameOfReferenceSequence = modules.of(_frame_of_reference(visit, ct))
    dataset.StructureSetROISequence = modules.of(_roi(visit))
    dataset.ROIContourSequence = modules.of(_contours(visit.patient.lesion, ct))
    dataset.RTROIObservationsSequence = modules.of(_observation())
    dataset.ApprovalStatus = "UNAPPROVED"
    return dataset


def _frame_of_reference(visit: Visit, ct: Sequence[Dataset]) -> Dataset:
    referenced_series = Dataset()
    referenced_series.SeriesInstanceUID = ct[0].SeriesInstanceUID
    referenced_series.ContourImageSequence = modules.of(
        *(modules.reference(image.SOPClassUID, image.SOPInstanceUID) for image in ct)
    )
    study = modules.reference(_DETACHED_STUDY, visit.study_uid)
    study.RTReferencedSeriesSequence = modules.of(referenced_series)
    item = Dataset()
    item.FrameOfReferenceUID = visit.frame_of_reference_uid
    item.RTReferencedStudySequence = modules.of(study)
    return item


def _roi(visit: Visit) -> Dataset:
    roi = Dataset()
    roi.ROINumber, roi.ROIName = _ROI_NUMBER, ROI_NAME
    roi.ReferencedFrameOfReferenceUID = visit.frame_of_reference_uid
    roi.ROIGenerationAlgorithm = "AUTOMATIC"
    return roi


def _contours(lesion: Lesion, ct: Sequence[Dataset]) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber, item.ROIDisplayColor = _ROI_NUMBER, [255, 80, 40]
    outlines = [_contour(lesion, image) for image in sorted(ct, key=lambda image: float(image.SliceLocation))]
    item.ContourSequence = modules.of(*(outline for outline in outlines if outline is not None))
    for number, outline in enumerate(item.ContourSequence, start=1):
        outline.ContourNumber = number
    return item


def _contour(lesion: Lesion, image: Dataset) -> Dataset | None:
    points = lesion.contour(float(image.ImagePositionPatient[2]))
    if not len(points):
        return None
    outline = Dataset()
    outline.ContourImageSequence = modules.of(modules.reference(image.SOPClassUID, image.SOPInstanceUID))
    outline.ContourGeometricType = "CLOSED_PLANAR"
    outline.NumberOfContourPoints = len(points)
    outline.ContourData = [f"{value:.4f}" for value in points.ravel()]
    return outline


def _observation() -> Dataset:
    observation = Dataset()
    observation.ObservationNumber = observation.ReferencedROINumber = _ROI_NUMBER
    observation.RTROIInterpretedType, observation.ROIInterpreter = "GTV", ""
    return observation
