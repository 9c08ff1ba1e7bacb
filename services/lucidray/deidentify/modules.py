"""The attributes by which a PACS knows patient and study, taken verbatim and put back verbatim.

Patient, Clinical Trial Subject, General Study, Patient Study and Clinical Trial Study modules
(PS3.3 C.7.1 and C.7.2).
"""

import io

from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.tag import Tag

from lucidray.deidentify.rules import STRINGS

SPECIFIC_CHARACTER_SET = Tag("SpecificCharacterSet")

PATIENT = """
    PatientName PatientID IssuerOfPatientID TypeOfPatientID IssuerOfPatientIDQualifiersSequence
    SourcePatientGroupIdentificationSequence GroupOfPatientsIdentificationSequence PatientBirthDate PatientBirthTime
    PatientBirthDateInAlternativeCalendar PatientDeathDateInAlternativeCalendar PatientAlternativeCalendar PatientSex
    ReferencedPatientPhotoSequence QualityControlSubject ReferencedPatientSequence OtherPatientIDs
    OtherPatientIDsSequence OtherPatientNames EthnicGroup EthnicGroupCodeSequence PatientComments
    PatientSpeciesDescription PatientSpeciesCodeSequence PatientBreedDescription PatientBreedCodeSequence
    BreedRegistrationSequence StrainDescription StrainNomenclature StrainCodeSequence ResponsiblePerson
    ResponsiblePersonRole ResponsibleOrganization PatientIdentityRemoved DeidentificationMethod
    DeidentificationMethodCodeSequence
    ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName ClinicalTrialSiteID ClinicalTrialSiteName
    ClinicalTrialSubjectID ClinicalTrialSubjectReadingID ClinicalTrialProtocolEthicsCommitteeName
    ClinicalTrialProtocolEthicsCommitteeApprovalNumber
"""
STUDY = """
    StudyInstanceUID StudyDate StudyTime StudyID AccessionNumber IssuerOfAccessionNumberSequence StudyDescription
    ReferringPhysicianName ReferringPhysicianIdentificationSequence ConsultingPhysicianName
    ConsultingPhysicianIdentificationSequence PhysiciansOfRecord PhysiciansOfRecordIdentificationSequence
    NameOfPhysiciansReadingStudy PhysiciansReadingStudyIdentificationSequence RequestingServiceCodeSequence
    ReferencedStudySequence ProcedureCodeSequence ReasonForPerformedProcedureCodeSequence
    LongitudinalTemporalInformationModified
    AdmittingDiagnosesDescription AdmittingDiagnosesCodeSequence PatientAge PatientSize PatientSizeCodeSequence
    PatientWeight PatientBodyMassIndex MeasuredAPDimension MeasuredLateralDimension MedicalAlerts Allergies
    SmokingStatus PregnancyStatus LastMenstrualDate PatientState Occupation AdditionalPatientHistory AdmissionID
    IssuerOfAdmissionIDSequence ReasonForVisit ReasonForVisitCodeSequence ServiceEpisodeID ServiceEpisodeDescription
    IssuerOfServiceEpisodeIDSequence PatientSexNeutered
    ClinicalTrialTimePointID ClinicalTrialTimePointDescription ConsentForClinicalTrialUseSequence
"""
TAGS = tuple(sorted(Tag(keyword) for keyword in (PATIENT + STUDY).split()))


def extract(dataset: Dataset) -> bytes:
    """The modules of a dataset and its character set, as an Explicit VR Little Endian dataset.

    Text keeps its bytes. `dataset` is as read from a file, these elements still raw.
    """
    out = Dataset()
    for tag in (SPECIFIC_CHARACTER_SET, *TAGS):
        element = dataset.get_item(tag)
        if element is None:
            continue
        vr = dictionary_VR(tag)
        if isinstance(element, RawDataElement) and vr in STRINGS:
            value = element.value or b""
            out[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
        else:
            out[tag] = dataset[tag]
    out.set_original_encoding(False, True, out._character_set)
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_dataset(buffer, out)
    return buffer.getvalue()


def parse(data: bytes) -> Dataset:
    """What `extract` gave, as a dataset of raw elements."""
    return read_dataset(io.BytesIO(data), is_implicit_VR=False, is_little_endian=True)
