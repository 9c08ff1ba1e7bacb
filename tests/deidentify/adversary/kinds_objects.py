"""Other objects than images, and what images say of other objects."""

from pydicom import Dataset
from tests.deidentify.adversary.drafts import Draft, item, sequence
from tests.deidentify.adversary.kinds import kind
from tests.deidentify.adversary.planter import Planter

_SR, _SEG = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.66.4"
_RTSTRUCT, _PRESENTATION = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.11.1"
_CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"


def _become(draft: Draft, sop_class: str, modality: str, *, pixels: bool = False) -> Dataset:
    draft.dataset.SOPClassUID, draft.dataset.Modality = sop_class, modality
    if not pixels:
        for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"):
            del draft.dataset[keyword]
    return draft.dataset


def _code(value: str = "121071", meaning: str = "Finding") -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator="DCM", CodeMeaning=meaning)


def _content(value_type: str, **values: object) -> Dataset:
    made = item(RelationshipType="CONTAINS", ValueType=value_type)
    made.ConceptNameCodeSequence = sequence(_code())
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def _contents(planter: Planter) -> list[Dataset]:
    referenced = item(ReferencedSOPClassUID=_CT_CLASS, ReferencedSOPInstanceUID=planter.uid("SR IMAGE"))
    named = _content("TEXT", TextValue="normal")
    named.ConceptNameCodeSequence = sequence(_code("99", planter.text("SR concept name")))
    meant = _content("CODE", ConceptCodeSequence=sequence(_code("99", planter.text("SR concept code"))))
    return [
        _content("TEXT", TextValue=f"seen by {planter.text('SR TEXT')}"),
        _content("PNAME", PersonName=planter.name("SR PNAME")),
        _content("UIDREF", UID=planter.uid("SR UIDREF")),
        _content("DATE", Date=planter.date("SR DATE")),
        _content("DATETIME", DateTime=planter.date("SR DATETIME") + "101112"),
        _content("TIME", Time=planter.time("SR TIME")),
        _content("IMAGE", ReferencedSOPSequence=sequence(referenced)),
        named,
        meant,
    ]


@kind("structured report")
def _report(draft: Draft) -> None:
    dataset, planter = _become(draft, _SR, "SR"), draft.planter
    deep = _content("CONTAINER", ContentSequence=sequence(*_contents(planter)))
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = sequence(_code("126000", "Imaging Measurement Report"))
    dataset.ContentSequence = sequence(*_contents(Planter(planter.seed + "+", planter.category, planter.plants)), deep)
    dataset.VerifyingObserverSequence = sequence(
        item(VerifyingObserverName=planter.name("observer"), VerifyingOrganization=planter.text("organization"))
    )
    dataset.AuthorObserverSequence = sequence(item(PersonName=planter.name("author")))
    dataset.PertinentOtherEvidenceSequence = sequence(item(StudyInstanceUID=planter.uid("evidence")))


@kind("structured content in an image")
def _content_of_image(draft: Draft) -> None:
    draft.dataset.AcquisitionContextSequence = sequence(*_contents(draft.planter))


@kind("structure set")
def _structures(draft: Draft) -> None:
    dataset, planter = _become(draft, _RTSTRUCT, "RTSTRUCT"), draft.planter
    dataset.StructureSetLabel, dataset.StructureSetName = planter.text("label"), planter.text("name")
    dataset.StructureSetDescription = planter.text("description")
    dataset.StructureSetDate, dataset.StructureSetTime = planter.date("date"), "101112"
    frame = item(FrameOfReferenceUID=planter.uid("frame"))
    study = item(ReferencedSOPClassUID=_CT_CLASS, ReferencedSOPInstanceUID=planter.uid("study"))
    series = item(SeriesInstanceUID=planter.uid("series"))
    series.ContourImageSequence = sequence(item(ReferencedSOPInstanceUID=planter.uid("image")))
    study.RTReferencedSeriesSequence = sequence(series)
    frame.RTReferencedStudySequence = sequence(study)
    dataset.ReferencedFrameOfReferenceSequence = sequence(frame)
    roi = item(ROINumber="1", ROIName=f"GTV {planter.text('ROIName')}", ROIDescription=planter.text("ROIDescription"))
    roi.ReferencedFrameOfReferenceUID, roi.ROIGenerationAlgorithm = planter.uid("roi frame"), "MANUAL"
    roi.ROIGenerationDescription = planter.text("ROIGenerationDescription")
    dataset.StructureSetROISequence = sequence(roi)
    dataset.RTROIObservationsSequence = sequence(
        item(
            ObservationNumber="1",
            ReferencedROINumber="1",
            ROIObservationLabel=planter.text("ROIObservationLabel"),
            RTROIInterpretedType=planter.text("RTROIInterpretedType"),
            ROIInterpreter=planter.name("ROIInterpreter"),
        )
    )
    dataset.ApprovalStatus, dataset.ReviewerName = "APPROVED", planter.name("ReviewerName")


@kind("segmentation")
def _segmentation(draft: Draft) -> None:
    dataset, planter = _become(draft, _SEG, "SEG", pixels=True), draft.planter
    dataset.ContentLabel, dataset.ContentDescription = planter.text("label"), planter.text("description")
    dataset.ContentCreatorName = planter.name("creator")
    segment = item(SegmentNumber=1, SegmentLabel=f"Tumor {planter.text('SegmentLabel')}", TrackingID=planter.text("ID"))
    segment.SegmentDescription = planter.text("SegmentDescription")
    segment.SegmentAlgorithmName, segment.SegmentAlgorithmType = planter.text("algorithm"), "MANUAL"
    segment.TrackingUID = planter.uid("TrackingUID")
    segment.SegmentedPropertyTypeCodeSequence = sequence(_code("4147007", planter.text("type")))
    dataset.SegmentSequence = sequence(segment)


@kind("presentation state")
def _presentation(draft: Draft) -> None:
    dataset, planter = _become(draft, _PRESENTATION, "PR"), draft.planter
    text = item(UnformattedTextValue=planter.text("text"), BoundingBoxAnnotationUnits="PIXEL")
    layer = item(GraphicLayer=planter.text("layer", 9), GraphicLayerDescription=planter.text("layer description"))
    shape = item(GraphicAnnotationUnits="PIXEL", CompoundGraphicType="ARROW", GraphicGroupLabel=planter.text("group"))
    dataset.GraphicAnnotationSequence = sequence(
        item(TextObjectSequence=()), item(GraphicLayer="A", CompoundGraphicSequence=())
    )
    dataset.GraphicAnnotationSequence[0].TextObjectSequence = sequence(text)
    dataset.GraphicAnnotationSequence[1].CompoundGraphicSequence = sequence(shape)
    dataset.GraphicLayerSequence = sequence(layer)
    dataset.ContentCreatorName = planter.name("creator")


@kind("functional groups")
def _functional_groups(draft: Draft) -> None:
    planter = draft.planter
    content = item(FrameComments=planter.text("FrameComments"), FrameAcquisitionDateTime=planter.date("DT") + "101112")
    content.StackID, content.FrameLabel = planter.text("StackID"), planter.text("FrameLabel")
    content.DimensionOrganizationUID = planter.uid("DimensionOrganizationUID")
    frame = item()
    frame.FrameContentSequence = sequence(content)
    frame.add_new(0x00291010, "LO", planter.text("private in frame"))
    shared = item()
    shared.CTReconstructionSequence = sequence(item(ConvolutionKernel=planter.text("ConvolutionKernel")))
    shared.UnassignedSharedConvertedAttributesSequence = sequence(item(PatientComments=planter.text("unassigned")))
    shared.FrameAnatomySequence = sequence(item(FrameLaterality=planter.text("FrameLaterality")))
    draft.dataset.SharedFunctionalGroupsSequence = sequence(shared)
    draft.dataset.PerFrameFunctionalGroupsSequence = sequence(frame, frame)


@kind("references by UID")
def _references(draft: Draft) -> None:
    planter, dataset = draft.planter, draft.dataset
    for keyword in (
        *("ReferencedImageSequence", "SourceImageSequence", "ReferencedInstanceSequence", "ReferencedStudySequence"),
        *("ReferencedPatientSequence", "ReferencedPerformedProcedureStepSequence", "ReferencedRawDataSequence"),
    ):
        referenced = item(ReferencedSOPClassUID=_CT_CLASS, ReferencedSOPInstanceUID=planter.uid(keyword))
        setattr(dataset, keyword, sequence(referenced))
    for keyword in (
        *("SynchronizationFrameOfReferenceUID", "ConcatenationUID", "TransactionUID"),
        *("DeviceUID", "AcquisitionUID", "PaletteColorLookupTableUID", "MultiFrameSourceSOPInstanceUID"),
    ):
        setattr(dataset, keyword, planter.uid(keyword))
    dataset.IrradiationEventUID = [planter.uid("first event"), planter.uid("second event")]
    dataset.ReferencedSeriesSequence = sequence(item(SeriesInstanceUID=planter.uid("series")))
    dataset.DerivationDescription = f"from {planter.uid('in text')}"


@kind("identifiers in UIDs")
def _in_uids(draft: Draft) -> None:
    planter, dataset = draft.planter, draft.dataset
    number = planter.number("a UID of the standard made longer")
    dataset.RelatedGeneralSOPClassUID = f"1.2.840.10008.5.1.4.1.1.2.{number}"
    number = planter.number("root of the standard")
    dataset.OriginalSpecializedSOPClassUID = f"1.2.840.10008.{number}"
    dataset.ReferencedImageSequence = sequence(
        item(
            ReferencedSOPClassUID=f"1.2.840.10008.5.1.4.1.1.4.{planter.number('referenced class')}",
            ReferencedSOPInstanceUID=f"1.2.276.0.7230010.3.{planter.number('referenced instance')}.1",
        )
    )
    dataset.SynchronizationFrameOfReferenceUID = f"1.2.840.10008.1.4.1.{planter.number('well-known frame')}"
    dataset.CodingSchemeIdentificationSequence = sequence(
        item(CodingSchemeUID=f"2.16.840.1.{planter.number('scheme')}")
    )
    dataset.TransactionUID = planter.text("text in a UID")
    dataset.ConcatenationUID = f"1.2.276.0.{planter.date('date in a UID')}.1"


@kind("signatures and earlier values")
def _signatures(draft: Draft) -> None:
    planter, dataset = draft.planter, draft.dataset
    signature = item(MACIDNumber=1, DigitalSignatureUID=planter.uid("DigitalSignatureUID"))
    signature.DigitalSignatureDateTime = planter.date("DigitalSignatureDateTime") + "101112"
    signature.add_new("CertificateOfSigner", "OB", planter.text("CertificateOfSigner", 12).encode())
    signature.add_new("Signature", "OB", planter.text("Signature", 12).encode())
    dataset.DigitalSignaturesSequence = sequence(signature)
    modified = item(PatientName=planter.name("earlier name"), PatientID=planter.text("earlier ID"))
    original = item(
        SourceOfPreviousValues=planter.text("SourceOfPreviousValues"), ModifyingSystem=planter.text("system")
    )
    original.ModifiedAttributesSequence = sequence(modified)
    original.NonconformingModifiedAttributesSequence = sequence(
        item(NonconformingDataElementValue=planter.text("NonconformingDataElementValue", 12).encode())
    )
    dataset.OriginalAttributesSequence = sequence(original)
    encrypted = item(EncryptedContentTransferSyntaxUID="1.2.840.10008.1.2")
    encrypted.add_new("EncryptedContent", "OB", planter.text("EncryptedContent", 12).encode())
    dataset.EncryptedAttributesSequence = sequence(encrypted)


@kind("orders, equipment and people around an image")
def _around(draft: Draft) -> None:
    planter, dataset = draft.planter, draft.dataset
    step = item(
        ScheduledProcedureStepDescription=planter.text("step"), ScheduledProcedureStepID=planter.text("step ID")
    )
    step.ScheduledProtocolCodeSequence = sequence(_code("1", planter.text("protocol code")))
    dataset.RequestAttributesSequence = sequence(step)
    dataset.ContributingEquipmentSequence = sequence(
        item(
            Manufacturer=planter.text("equipment manufacturer"),
            InstitutionName=planter.text("equipment institution"),
            StationName=planter.text("equipment station"),
            ContributionDescription=planter.text("ContributionDescription"),
            OperatorsName=planter.name("equipment operator"),
        )
    )
    person = item(
        InstitutionName=planter.text("person's institution"), PersonTelephoneNumbers=planter.text("telephone")
    )
    person.PersonIdentificationCodeSequence = sequence(_code("1", planter.text("person's code")))
    dataset.OperatorIdentificationSequence = sequence(person)
    dataset.OtherPatientIDsSequence = sequence(item(PatientID=planter.text("other ID"), TypeOfPatientID="TEXT"))
    dataset.ReferencedPatientPhotoSequence = sequence(item(RetrieveURL=f"http://{planter.text('URL')}.example/"))
    dataset.RetrieveURL = f"https://{planter.text('RetrieveURL')}.example/{planter.text('path')}"
    dataset.InstanceOriginStatus, dataset.FrameComments = "LOCAL", planter.text("FrameComments")
