"""Modules that objects of all kinds share (DICOM PS3.3 C.7)."""

from datetime import datetime

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.sequence import Sequence
from pydicom.uid import UID

from lucidray.phantom.sampling import Sampling
from lucidray.phantom.uids import uid
from lucidray.phantom.visit import Visit

IMPLEMENTATION_UID = uid("lucidray phantom")
IMPLEMENTATION_NAME = "LUCIDRAY_PHANTOM"


def number(value: float) -> str:
    """A decimal string of at most 16 characters (VR DS)."""
    return f"{value:.10g}"


def day(moment: datetime) -> str:
    """VR DA."""
    return moment.strftime("%Y%m%d")


def time(moment: datetime) -> str:
    """VR TM."""
    return moment.strftime("%H%M%S.00")


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """An item of a code sequence (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def reference(sop_class: str, sop_instance: str) -> Dataset:
    """An item that points to an instance."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
    return item


def new_object(visit: Visit, sop_class: str, sop_instance: str) -> Dataset:
    """A dataset with file meta information, SOP common, patient and study modules."""
    dataset = Dataset()
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), UID(sop_instance)
    meta.TransferSyntaxUID = UID(visit.scanner.transfer_syntax)
    meta.ImplementationClassUID, meta.ImplementationVersionName = UID(IMPLEMENTATION_UID), IMPLEMENTATION_NAME
    dataset.file_meta = meta
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, sop_instance
    _patient(dataset, visit)
    _study(dataset, visit)
    return dataset


def _patient(dataset: Dataset, visit: Visit) -> None:
    person = visit.patient.demographics
    dataset.PatientName, dataset.PatientID = person.name, person.patient_id
    dataset.IssuerOfPatientID = "LUCIDRAY PHANTOMS"
    dataset.PatientBirthDate = person.birth_date.strftime("%Y%m%d")
    dataset.PatientSex = person.sex
    years = int((visit.start.date() - person.birth_date).days / 365.25)
    dataset.PatientAge = f"{years:03d}Y"
    dataset.PatientSize, dataset.PatientWeight = number(person.height_m), number(person.weight_kg)
    dataset.PatientAddress = f"{visit.patient.seed} Phantom Lane"


def _study(dataset: Dataset, visit: Visit) -> None:
    dataset.StudyInstanceUID = visit.study_uid
    dataset.StudyDate, dataset.StudyTime = day(visit.start), time(visit.start)
    dataset.StudyID = visit.accession_number[-6:]
    dataset.AccessionNumber = visit.accession_number
    dataset.StudyDescription = "PET/CT FDG " + ("Thigh" if visit.patient.anatomy.region == "thigh" else "Chest")
    dataset.ReferringPhysicianName = "REFERRER^VIRTUAL"
    dataset.PhysiciansOfRecord = "RECORD^VIRTUAL"


def equipment(dataset: Dataset, visit: Visit) -> None:
    """The general equipment module of an image."""
    scanner = visit.scanner
    dataset.Manufacturer, dataset.ManufacturerModelName = scanner.manufacturer, scanner.model
    dataset.SoftwareVersions, dataset.StationName = scanner.software, scanner.station
    dataset.DeviceSerialNumber = f"SN{uid(scanner.key)[-7:]}"
    dataset.InstitutionName, dataset.InstitutionAddress = scanner.institution, f"1 Imaging Way, {scanner.station}"
    dataset.InstitutionalDepartmentName = "Nuclear Medicine"


def series(dataset: Dataset, visit: Visit, modality: str, series_number: int, description: str) -> None:
    """The general series module."""
    dataset.Modality = modality
    dataset.SeriesInstanceUID = visit.uid(modality, "series")
    dataset.SeriesNumber, dataset.SeriesDescription = series_number, description
    dataset.ProtocolName = f"WB FDG {visit.patient.anatomy.region.upper()} {visit.scanner.station}"
    dataset.OperatorsName = "OPERATOR^VIRTUAL"
    dataset.PerformingPhysicianName = "READER^VIRTUAL"
    dataset.BodyPartExamined = "CHEST"
    if visit.patient.anatomy.region == "thigh":
        dataset.BodyPartExamined, dataset.Laterality = "THIGH", ""  # paired, and both are in the picture


def plane(dataset: Dataset, visit: Visit, sampling: Sampling, index: int) -> None:
    """Frame of reference, image plane and image pixel modules of the slice at `index`, counted from the feet."""
    x, y, z = sampling.origin
    height = z + index * sampling.thickness
    dataset.FrameOfReferenceUID = visit.frame_of_reference_uid
    dataset.PositionReferenceIndicator = ""
    dataset.ImagePositionPatient = [number(x), number(y), number(height)]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [number(sampling.pixel)] * 2
    dataset.SliceThickness, dataset.SliceLocation = number(sampling.thickness), number(height)
    towards_feet = visit.scanner.feet_first_numbering
    dataset.InstanceNumber = sampling.slices - index if towards_feet else index + 1
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows = dataset.Columns = sampling.matrix
    dataset.BitsAllocated = 16


def pixels(dataset: Dataset, stored: np.ndarray) -> None:
    """Put 16-bit pixels in and settle the value representations that depend on their sign."""
    dataset.PixelRepresentation = 1 if stored.dtype.kind == "i" else 0
    dataset.add_new("PixelData", "OW", stored.astype(stored.dtype.newbyteorder("<")).tobytes())
    correct_ambiguous_vr(dataset, True)


def private(dataset: Dataset, visit: Visit, group: int, texts: dict[int, str]) -> None:
    """The private block of the manufacturer, as real scanners add one: LO elements by offset."""
    block = dataset.private_block(group, visit.scanner.private_creator, create=True)
    for offset, text in texts.items():
        block.add_new(offset, "LO", text)


def of(*items: Dataset) -> Sequence:
    """A sequence of items."""
    return Sequence(items)
