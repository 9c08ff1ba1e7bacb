"""The Structured Report (PS3.16 TID 1500 Measurement Report), as Comprehensive 3D SR."""

import hashlib
import uuid
from collections.abc import Sequence

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import (
    CodeContentItem,
    Comprehensive3DSR,
    ContainerContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    LanguageOfContentItemAndDescendants,
    ObservationContext,
    ObserverContext,
    RelationshipTypeValues,
)
from highdicom.sr.templates import DEFAULT_LANGUAGE
from pydicom import Dataset
from pydicom.sr.codedict import codes

from lucidray.encode.concepts import SCHEME, SCHEME_NAME, procedure_concept
from lucidray.encode.header import MANUFACTURER, Header, finish
from lucidray.encode.measurements import MeasurementGroup


def write_report(
    groups: Sequence[MeasurementGroup],
    evaluations: ContainerContentItem,
    evidence: Sequence[Dataset],
    modality: str,
    header: Header,
    former: Sequence[Dataset] = (),
) -> Comprehensive3DSR:
    """A Measurement Report.

    highdicom's `MeasurementReport` insists on a measurement group; TID 1500 is content with
    qualitative evaluations alone (row 12), which is all there is to say where nothing was found.
    So the root is put together here, from the same library's parts.

    Parameters
    ----------
    groups
        Measurement groups; may be empty.
    evaluations
        Qualitative evaluations of the whole report.
    evidence
        The SEG, or the source images where there is none. Patient and study are the first one's.
    modality
        DICOM Modality of the source series.
    header
        Series, equipment, time.
    former
        The report that this one replaces, if there is one (PS3.3 C.17.2, Predecessor Documents Sequence).
    """
    root = ContainerContentItem(codes.cid7021.ImagingMeasurementReport, template_id="1500")
    children = ContentSequence()
    children.extend(LanguageOfContentItemAndDescendants(DEFAULT_LANGUAGE))
    children.extend(_observer(header))
    children.append(
        CodeContentItem(
            codes.DCM.ProcedureReported, procedure_concept(modality), RelationshipTypeValues.HAS_CONCEPT_MOD
        )
    )
    if groups:
        measurements = ContainerContentItem(
            codes.DCM.ImagingMeasurements, relationship_type=RelationshipTypeValues.CONTAINS
        )
        measurements.ContentSequence = ContentSequence([item for group in groups for item in group])
        children.append(measurements)
    children.append(evaluations)
    root.ContentSequence = children
    document = Comprehensive3DSR(
        evidence=evidence,
        content=root,
        is_complete=True,
        is_final=False,
        coding_schemes=[
            CodingSchemeIdentificationItem(SCHEME, name=SCHEME_NAME, responsible_organization=MANUFACTURER)
        ],
        previous_versions=former or None,
        **header.series("SR", "report", 1),
    )
    finish(document, header)
    return document


def _observer(header: Header) -> ObservationContext:
    serial = hashlib.sha256(f"{MANUFACTURER}\x1f{header.device_serial_number}".encode()).digest()
    device = DeviceObserverIdentifyingAttributes(
        uid=f"2.25.{uuid.UUID(bytes=serial[:16], version=5).int}",
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=MANUFACTURER,
        serial_number=header.device_serial_number,
    )
    return ObservationContext(
        observer_device_context=ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    )
