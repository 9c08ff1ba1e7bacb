"""Text where it does not belong: in attributes about the scanner, in codes and numbers, in the wrong VR."""

import base64

from tests.deidentify.adversary.drafts import Draft, item, sequence
from tests.deidentify.adversary.kinds import kind

from lucidray.deidentify.audit.identifiers import Kind

_CT_TEXTS = (
    *("ConvolutionKernel", "FilterType", "SoftwareVersions", "ManufacturerModelName", "Manufacturer", "RescaleType"),
    *("ProtocolName", "ContrastBolusAgent", "ContrastBolusRoute", "ReconstructionMethod", "BodyPartExamined"),
)
_MR_TEXTS = ("ReceiveCoilName", "TransmitCoilName", "SequenceName", "PulseSequenceName", "ImagedNucleus")
_PT_TEXTS = ("AttenuationCorrectionMethod", "ScatterCorrectionMethod", "ReconstructionMethod", "TypeOfDetectorMotion")
_DESCRIPTIONS = ("StudyDescription", "SeriesDescription", "ProtocolName")


@kind("scanner text, CT")
def _scanner_ct(draft: Draft) -> None:
    for keyword in _CT_TEXTS:
        setattr(draft.dataset, keyword, draft.planter.text(keyword))


@kind("scanner text, MR", "MR")
def _scanner_mr(draft: Draft) -> None:
    for keyword in _MR_TEXTS:
        setattr(draft.dataset, keyword, draft.planter.text(keyword))


@kind("scanner text, PET", "PT")
def _scanner_pet(draft: Draft) -> None:
    for keyword in _PT_TEXTS:
        setattr(draft.dataset, keyword, draft.planter.text(keyword))
    drug = draft.dataset.RadiopharmaceuticalInformationSequence[0]
    for keyword in ("Radiopharmaceutical", "RadiopharmaceuticalRoute"):
        setattr(drug, keyword, draft.planter.text(keyword))


@kind("names behind what a scanner writes")
def _behind(draft: Draft) -> None:
    for keyword in ("ConvolutionKernel", "SoftwareVersions", "ManufacturerModelName", "Manufacturer", "FilterType"):
        value = draft.dataset.get(keyword)
        setattr(draft.dataset, keyword, f"{value} {draft.planter.text(keyword)}")


@kind("numbers shaped like what a scanner writes")
def _shaped(draft: Draft) -> None:
    planter = draft.planter
    draft.dataset.ConvolutionKernel = planter.given("ConvolutionKernel", f"B{planter.random.randrange(10**7, 10**8)}f")
    draft.dataset.SequenceName = planter.given("SequenceName", f"*tfl{planter.random.randrange(10**7, 10**8)}")
    draft.dataset.FilterType = planter.given("FilterType", f"F-{planter.random.randrange(10**8, 10**9)}")
    draft.dataset.ManufacturerModelName = f"Biograph {planter.number('ManufacturerModelName')}"
    draft.dataset.SeriesDescription = f"CT Thorax {planter.number('SeriesDescription')}"
    draft.dataset.StudyDescription = f"CT Chest {planter.number('StudyDescription', 7)}"


@kind("the patient's identifiers as numbers")
def _own_numbers(draft: Draft) -> None:
    """Where sites and scanners copy them to."""
    planter, dataset = draft.planter, draft.dataset
    dataset.PatientID = dataset.AcquisitionNumber = planter.number("PatientID")
    dataset.AccessionNumber = dataset.SeriesNumber = planter.number("AccessionNumber")
    dataset.TriggerTime = dataset.PatientBirthDate
    dataset.StudyID = planter.number("StudyID")
    dataset.ContrastBolusAgentSequence = sequence(item(ContrastBolusAgentNumber=1, ContrastBolusVolume=dataset.StudyID))
    dataset.TotalPixelMatrixRows = int(dataset.StudyID)


@kind("second values of scanner attributes")
def _second(draft: Draft) -> None:
    for keyword in ("ImageType", "ConvolutionKernel", "SoftwareVersions", "ScanOptions", "FilterType"):
        values = draft.dataset.get(keyword)
        first = list(values) if not isinstance(values, str) else [values]
        setattr(draft.dataset, keyword, [*first, draft.planter.text(keyword)])


@kind("names in descriptions")
def _descriptions(draft: Draft) -> None:
    for keyword in _DESCRIPTIONS:
        draft.planter.random.shuffle(words := [*str(draft.dataset.get(keyword)).split(), draft.planter.text(keyword)])
        setattr(draft.dataset, keyword, " ".join(words))
    draft.dataset.ImageComments = f"seen by Dr. {draft.planter.text('ImageComments')}"


@kind("names joined to words of descriptions")
def _joined(draft: Draft) -> None:
    for keyword, form in zip(_DESCRIPTIONS, ("CT{}Chest", "{}_Thorax", "Thorax-{}"), strict=True):
        setattr(draft.dataset, keyword, form.format(draft.planter.text(keyword)))


@kind("dates in text")
def _dates(draft: Draft) -> None:
    day = draft.planter.date("StudyDescription")
    draft.dataset.StudyDescription = f"CT Chest {day}"
    day = draft.planter.date("SeriesDescription")
    draft.dataset.SeriesDescription = f"CT Thorax {day[:4]}-{day[4:6]}-{day[6:]}"
    day = draft.planter.date("ProtocolName")
    draft.dataset.ProtocolName = f"Thorax {day[6:]}.{day[4:6]}.{day[:4]}"
    day = draft.planter.date("SoftwareVersions")
    draft.dataset.SoftwareVersions = f"VB{day}"


@kind("the patient's own identifiers in other attributes")
def _echoes(draft: Draft) -> None:
    patient, name = str(draft.dataset.PatientID), str(draft.dataset.PatientName)
    draft.dataset.SeriesDescription = f"CT {patient}"
    draft.dataset.SoftwareVersions = patient
    draft.dataset.ProtocolName = name.replace("^", ", ")
    draft.dataset.ImageType = ["ORIGINAL", "PRIMARY", name.split("^")[0]]
    draft.dataset.ConvolutionKernel = name.split("^")[1]
    draft.planter.given("PatientID elsewhere", patient)


@kind("the patient's own identifiers, shaped like what a scanner writes")
def _shaped_echoes(draft: Draft) -> None:
    """Short enough for a kernel, a model, a version; only who knows the patient can tell."""
    planter, dataset = draft.planter, draft.dataset
    number = planter.given("PatientID in scanner text", str(planter.random.randrange(100000, 1000000)), Kind.ID)
    family = str(dataset.PatientName).split("^")[0]
    born = str(dataset.PatientBirthDate)
    dataset.PatientID = number
    dataset.ConvolutionKernel = f"B{number}"
    dataset.ManufacturerModelName = f"Biograph {number}"
    dataset.SoftwareVersions = ["VB42", number]
    dataset.DeviceSerialNumber = born
    dataset.StationName = f"CT{family}1"
    dataset.SeriesDescription = f"CT Thorax {number[:2]} {number[2:4]} {number[4:]}"
    planter.given("PatientName in StationName", family)
    planter.given("PatientBirthDate in DeviceSerialNumber", born, Kind.DATE)


@kind("numbers in groups")
def _grouped(draft: Draft) -> None:
    dataset, planter = draft.dataset, draft.planter
    for keyword, separator in zip(_DESCRIPTIONS, ("-", " ", "/"), strict=True):
        number = planter.number(keyword, 10)
        groups = [number[at : at + 2] for at in range(0, len(number), 2)]
        setattr(dataset, keyword, f"{dataset.get(keyword)} {separator.join(groups)}")


@kind("dates with two digits for the year")
def _short_years(draft: Draft) -> None:
    dataset, planter = draft.dataset, draft.planter
    for keyword, separator in zip(_DESCRIPTIONS, (".", "/", "-"), strict=True):
        day = planter.date(keyword)
        setattr(dataset, keyword, f"{dataset.get(keyword)} {separator.join((day[6:], day[4:6], day[2:4]))}")


@kind("codes that are no defined terms")
def _terms(draft: Draft) -> None:
    for keyword in (
        *("ScanOptions", "ExposureModulationType", "ReconstructionAlgorithm", "Modality"),
        *("AcquisitionType", "RotationDirection", "PatientPosition", "Laterality", "ImageLaterality", "FilterMaterial"),
        *("PresentationIntentType", "BodyPartExamined", "QualityControlImage", "LossyImageCompressionMethod"),
    ):
        setattr(draft.dataset, keyword, draft.planter.text(keyword))


@kind("pixels that are described by no defined term")
def _photometric(draft: Draft) -> None:
    draft.dataset.PhotometricInterpretation = draft.planter.text("PhotometricInterpretation")
    draft.is_valid = False


@kind("codes that are no defined terms, MR and PET", "PT")
def _more_terms(draft: Draft) -> None:
    for keyword in (
        *("Units", "CountsSource", "DecayCorrection", "CollimatorType", "SUVType", "ScanningSequence"),
        *(
            "SequenceVariant",
            "MRAcquisitionType",
            "SpectrallySelectedSuppression",
            "AcquisitionContrast",
            "ViewPosition",
        ),
    ):
        setattr(draft.dataset, keyword, draft.planter.text(keyword))
    draft.dataset.SeriesType = ["WHOLE BODY", draft.planter.text("SeriesType")]
    draft.dataset.CorrectedImage = ["DECY", draft.planter.text("CorrectedImage")]


@kind("text in numbers")
def _numbers(draft: Draft) -> None:
    for keyword in ("KVP", "SliceThickness", "ExposureTime", "XRayTubeCurrent", "InstanceNumber", "SeriesNumber"):
        vr = "IS" if keyword.endswith(("Number", "Time", "Current")) else "DS"
        draft.put(keyword, vr, draft.planter.text(keyword))
    draft.put("PixelSpacing", "DS", f"0.97\\{draft.planter.text('PixelSpacing')}")
    draft.put("PatientWeight", "DS", f"70 {draft.planter.text('PatientWeight')}")


@kind("text in dates, times and ages")
def _times(draft: Draft) -> None:
    for keyword, vr in (("StudyTime", "TM"), ("ContentDate", "DA"), ("PatientAge", "AS"), ("SeriesDate", "DA")):
        draft.put(keyword, vr, draft.planter.text(keyword))
    draft.put("AcquisitionTime", "TM", f"101112 {draft.planter.text('AcquisitionTime')}")
    draft.put("TimezoneOffsetFromUTC", "SH", draft.planter.text("TimezoneOffsetFromUTC"))


@kind("dates in other forms")
def _date_forms(draft: Draft) -> None:
    for keyword, form in (
        ("AcquisitionDate", "{0}.{1}.{2}"),  # ACR-NEMA
        ("ContentDate", "{0}-{1}-{2}"),
        ("InstanceCreationDate", "{0}{1}{2}-{0}{1}{2}"),  # a range
        ("DateOfLastCalibration", "{0}{1}{2}\\{0}{1}{2}"),
        ("AcquisitionDateTime", "{0}{1}{2}101112.000000+0100"),
    ):
        day = draft.planter.date(keyword)
        vr = "DT" if keyword.endswith("Time") else "DA"
        draft.put(keyword, vr, form.format(day[:4], day[4:6], day[6:]))


@kind("values longer than their VR allows")
def _long(draft: Draft) -> None:
    for keyword, vr, length in (
        *(("ConvolutionKernel", "SH", 40), ("ScanOptions", "CS", 60), ("ManufacturerModelName", "LO", 300)),
        *(("StationName", "SH", 50), ("KVP", "DS", 60), ("SeriesNumber", "IS", 40), ("PatientAge", "AS", 20)),
    ):
        draft.put(keyword, vr, draft.planter.text(keyword).rjust(length, "A"))


@kind("names in VRs that hold none")
def _vrs(draft: Draft) -> None:
    for keyword, vr in (
        ("BodyPartExamined", "PN"),
        ("ConvolutionKernel", "PN"),
        ("PatientName", "CS"),
        ("ReferringPhysicianName", "SH"),
        ("OperatorsName", "LO"),
        ("PhysiciansOfRecord", "UT"),
        ("Manufacturer", "PN"),
    ):
        draft.put(keyword, vr, draft.planter.name(keyword))
    draft.put("PerformingPhysicianName", "UN", draft.planter.name("PerformingPhysicianName"))


@kind("text in the VR of another type")
def _wrong_vr(draft: Draft) -> None:
    for keyword, vr in (
        *(("SliceThickness", "LO"), ("SpacingBetweenSlices", "UT"), ("KVP", "PN"), ("RescaleSlope", "LO")),
        *(("SpiralPitchFactor", "LO"), ("CTDIvol", "ST"), ("TotalCollimationWidth", "UN"), ("StudyTime", "LO")),
    ):
        draft.put(keyword, vr, draft.planter.text(keyword))


@kind("text with control characters in it")
def _control(draft: Draft) -> None:
    planter = draft.planter
    draft.dataset.SoftwareVersions = f"VB10\0{planter.text('SoftwareVersions')}"
    draft.dataset.ConvolutionKernel = f"B30f\n{planter.text('ConvolutionKernel')}"
    draft.dataset.ManufacturerModelName = f"\x1b(B{planter.text('ManufacturerModelName')}"
    word = planter.text("FilterType")
    draft.dataset.FilterType = f"{word[:5]}\0{word[5:]}"


@kind("identifiers in base64 and hexadecimal")
def _encoded(draft: Draft) -> None:
    draft.dataset.SoftwareVersions = base64.b64encode(draft.planter.text("SoftwareVersions").encode()).decode()
    draft.dataset.ManufacturerModelName = draft.planter.text("ManufacturerModelName").encode().hex()
    draft.dataset.SeriesDescription = (
        f"CT {base64.b64encode(draft.planter.text('SeriesDescription').encode()).decode()}"
    )


@kind("code sequences", "PT")
def _codes(draft: Draft) -> None:
    planter, drug = draft.planter, draft.dataset.RadiopharmaceuticalInformationSequence[0]
    drug.RadionuclideCodeSequence[0].CodeMeaning = planter.text("CodeMeaning of a known code")
    drug.RadionuclideCodeSequence[0].ContextUID = planter.uid("ContextUID")
    drug.RadionuclideCodeSequence[0].CodingSchemeVersion = planter.text("CodingSchemeVersion")
    drug.RadiopharmaceuticalCodeSequence = sequence(
        item(CodeValue=planter.text("CodeValue"), CodingSchemeDesignator="99LOCAL", CodeMeaning="x")
    )
    draft.dataset.ProcedureCodeSequence = sequence(
        item(CodeValue="1", CodingSchemeDesignator=planter.text("CodingSchemeDesignator"), CodeMeaning="x")
    )
    draft.dataset.AnatomicRegionSequence = sequence(
        item(CodeValue="T-D3000", CodingSchemeDesignator="SRT", CodeMeaning=planter.text("CodeMeaning of a region"))
    )
    draft.dataset.CodingSchemeIdentificationSequence = sequence(
        item(CodingSchemeDesignator="99LOCAL", CodingSchemeResponsibleOrganization=planter.text("organization"))
    )
    drug.AdministrationRouteCodeSequence = sequence(
        item(LongCodeValue=planter.text("LongCodeValue"), CodingSchemeDesignator="SCT", CodeMeaning="x"),
        item(URNCodeValue=f"urn:oid:{planter.uid('URNCodeValue')}", CodeMeaning="x"),
    )
