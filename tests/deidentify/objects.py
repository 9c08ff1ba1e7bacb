"""Small objects to de-identify, and the steps around them."""

import io
from hashlib import sha256
from pathlib import Path
from typing import Any

import pydicom
from pydicom import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, CTImageStorage, ImplicitVRLittleEndian

from lucidray.contracts.catalogue import STUDY
from lucidray.contracts.parameters import DeidentifyParameters
from lucidray.core.clock import ManualClock
from lucidray.core.database import open_database
from lucidray.core.identity import SiteKey
from lucidray.deidentify import dicomfile
from lucidray.deidentify.engine import Deidentifier, Replaced
from lucidray.deidentify.profile import load_profile
from lucidray.deidentify.pseudonyms import PseudonymKeys
from lucidray.deidentify.rules import Rulebook
from lucidray.deidentify.seal import VaultKeys
from lucidray.deidentify.source import Source
from lucidray.deidentify.step import Deidentify
from lucidray.deidentify.vault import Vault
from lucidray.deidentify.vaulttables import METADATA
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs

SITE_KEY = SiteKey(bytes(range(32)))
VAULT_KEY, OTHER_KEY = (sha256(word).digest() for word in (b"a vault key", b"another vault key"))
KEYS = PseudonymKeys(SITE_KEY)
CASE = CaseFacts("c01", "study", 1, "patient", "workflow")
STUDY_UID, FRAME_UID = "1.2.826.0.1.3680043.2.1", "1.2.826.0.1.3680043.2.9"


def ct_slice(number: int = 1, **changes: Any) -> Dataset:
    """One CT slice of 8 x 8 pixels; `changes` by keyword, None deletes."""
    dataset = Dataset()
    values: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 100",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": f"1.2.826.0.1.3680043.2.100.{number}",
        "StudyDate": "20200229",
        "SeriesDate": "20200229",
        "AcquisitionDate": "20200229",
        "ContentDate": "20200229",
        "StudyTime": "235959.5",
        "ContentTime": "101112",
        "AccessionNumber": "ACC-77-1",
        "Modality": "CT",
        "Manufacturer": "SIEMENS",
        "InstitutionName": "Sankt Görans Sjukhus",
        "ReferringPhysicianName": "Läkare^Eva",
        "StudyDescription": "PET/CT Müller, Jörg",
        "PatientName": "Müller^Jörg",
        "PatientID": "4711-0815",
        "IssuerOfPatientID": "HOSP",
        "PatientBirthDate": "19560102",
        "PatientSex": "M",
        "PatientAge": "064Y",
        "PatientWeight": "71.50",
        "SliceThickness": "3.0",
        "KVP": "120",
        "ConvolutionKernel": "B30f",
        "StudyInstanceUID": STUDY_UID,
        "SeriesInstanceUID": "1.2.826.0.1.3680043.2.2",
        "FrameOfReferenceUID": FRAME_UID,
        "PositionReferenceIndicator": "",
        "StudyID": "S-1",
        "SeriesNumber": 2,
        "InstanceNumber": number,
        "ImagePositionPatient": [-40.5, -40.5, 3.0 * number],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [1.5, 1.5],
        "Rows": 8,
        "Columns": 8,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "RescaleIntercept": "-1024",
        "RescaleSlope": "1",
    }
    for keyword, value in (values | changes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.add_new("PixelData", "OW", bytes(range(number, number + 128)))
    return dataset


def item(**values: Any) -> Dataset:
    """A sequence item."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def items(*datasets: Dataset) -> Sequence:
    """A sequence."""
    return Sequence(datasets)


def part10(dataset: Dataset, syntax: UID = ImplicitVRLittleEndian, preamble: bytes = bytes(128)) -> bytes:
    """A DICOM file in memory."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    dataset.file_meta, dataset.preamble = meta, preamble
    buffer = io.BytesIO()
    with dicomfile.quietly():
        dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def parse(data: bytes) -> Dataset:
    """A dataset of a file in memory."""
    return pydicom.dcmread(io.BytesIO(data))


def through_engine(data: bytes, profile: str = "clinical-ai", replaced: Replaced | None = None) -> bytes:
    """A file through the engine alone."""
    rules = Rulebook(load_profile(profile))
    with dicomfile.quietly():
        deidentifier = Deidentifier(KEYS.patient("4711-0815", "HOSP"), KEYS, rules, replaced or Replaced())
        return deidentifier.clean(Source.of(data)).to_bytes()


def open_vault(folder: Path, *keys: bytes) -> Vault:
    """The vault of a folder."""
    sealing = VaultKeys(keys or [VAULT_KEY])
    return Vault(open_database(folder, "vault", METADATA), lambda: sealing, ManualClock(), "tester")


def run(
    vault: Vault, files: dict[str, list[bytes]], case: CaseFacts = CASE, parameters: dict[str, str] | None = None
) -> dict[str, list[bytes]]:
    """The step deidentify on files by role: its outputs by role."""
    given = GivenInputs([Artifact(STUDY, objects, role) for role, objects in files.items()])
    result = Deidentify(SITE_KEY, vault).run(case, given, DeidentifyParameters(**(parameters or {})))
    return {artifact.role: artifact.value for artifact in result.artifacts}
