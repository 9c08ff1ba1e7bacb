"""What each option of PS3.15 Annex E keeps, and that nothing else stays with it."""

from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from tests.deidentify.objects import KEYS, ct_slice, item, items, parse, part10, through_engine

from lucidray.deidentify.engine import Deidentifier, Replaced
from lucidray.deidentify.profile import OPTION_CODES, load_profile, profile_names
from lucidray.deidentify.rules import Rulebook
from lucidray.deidentify.source import Source

SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
MEASURED = "MUSTERMANN"


def with_private(**values: Any) -> Dataset:
    """A slice with private blocks: Philips' factors beside others' secrets."""
    dataset = ct_slice(**values)
    philips = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
    philips.add_new(0x00, "DS", "0.00055123456789")
    philips.add_new(0x09, "DS", "1.25")
    philips.add_new(0x03, "LO", MEASURED)
    siemens = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    siemens.add_new(0x0C, "IS", "800")
    siemens.add_new(0x0D, "CS", MEASURED)
    siemens.add_new(0x0E, "FD", [0.5, 0.25, 0.125])
    other = dataset.private_block(0x7053, MEASURED, create=True)
    other.add_new(0x00, "DS", "7.75")
    return dataset


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_safe_private_attributes_stay_with_their_creator(syntax: UID) -> None:
    data = through_engine(part10(with_private(), syntax))
    after = parse(data)
    philips, siemens = (
        after.private_block(group, creator)
        for group, creator in ((0x7053, "Philips PET Private Group"), (0x0019, "SIEMENS MR HEADER"))
    )
    assert philips[0x00].value.original_string == "0.00055123456789"
    assert (philips[0x09].value, siemens[0x0C].value, siemens[0x0E].value) == (1.25, 800, [0.5, 0.25, 0.125])
    assert 0x03 not in philips and 0x0D not in siemens
    assert MEASURED.encode() not in data and b"7.75" not in data
    assert "113111" in [code.CodeValue for code in after.DeidentificationMethodCodeSequence]


def test_safe_private_attributes_stay_in_items() -> None:
    dataset = ct_slice(SharedFunctionalGroupsSequence=items(with_private()))
    after = parse(through_engine(part10(dataset)))
    block = after.SharedFunctionalGroupsSequence[0].private_block(0x7053, "Philips PET Private Group")
    assert block[0x09].value == 1.25


def test_private_elements_without_a_creator_go() -> None:
    dataset = ct_slice()
    dataset.add_new(0x70531000, "DS", "7.75")
    assert b"7.75" not in through_engine(part10(dataset))


def test_no_private_attribute_stays_without_the_option() -> None:
    after = parse(through_engine(part10(with_private()), "basic"))
    assert not [tag for tag in after if tag.tag.is_private]


def code(value: str, scheme: str = "DCM", meaning: str = "x") -> Any:
    return items(item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning))


def content(value_type: str, name: str, **values: Any) -> Dataset:
    names = code(name, "SCT" if len(name) == len("103339001") else "DCM")
    return item(ValueType=value_type, RelationshipType="CONTAINS", ConceptNameCodeSequence=names, **values)


def report() -> Dataset:
    """A CT slice that carries the content of a report; the engine does not ask of what kind an object is."""
    unit = items(item(MeasurementUnitsCodeSequence=code("mm", "UCUM"), NumericValue="12.5"))
    return ct_slice(
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code("126000"),
        ContentSequence=items(
            content("TEXT", "121106", TextValue=f"CT Thorax, {MEASURED}"),  # Comment: described words stay
            content("TEXT", "121022", TextValue=MEASURED),  # Accession Number: goes
            content("TEXT", "121013", TextValue="CT01"),  # Device Observer Name: with device identity only
            content("TEXT", "112039", TextValue=MEASURED),  # Tracking Identifier: no row of the table
            content("PNAME", "121008", PersonName=MEASURED),
            content("DATE", "111018", Date="20200229"),
            content("UIDREF", "112040", UID="1.2.3.4"),
            content("NUM", "103339001", MeasuredValueSequence=unit),
            content("NUM", "999999", MeasuredValueSequence=unit),  # of no code list
            content("CODE", "121071", ConceptCodeSequence=code("1", "99HOSP", MEASURED)),
            content(
                "CONTAINER", "125007", ContentSequence=items(content("TEXT", "121077", TextValue=f"Lung {MEASURED}"))
            ),
        ),
    )


def test_content_items_stay_cleaned() -> None:
    data = through_engine(part10(report()), "research-export")
    after = parse(data)
    assert MEASURED.encode() not in data
    kept = [(each.ValueType, each.ConceptNameCodeSequence[0].CodeMeaning) for each in after.ContentSequence]
    assert kept == [
        ("TEXT", "Comment"),
        ("PNAME", "Person Observer Name"),
        ("DATE", "Content Date"),
        ("UIDREF", "Tracking Unique Identifier"),
        ("NUM", "Long axis"),
        ("CONTAINER", "Measurement Group"),
    ]
    comment, person, date, uid, number, group = after.ContentSequence
    assert (comment.TextValue, person.PersonName) == ("CT Thorax", "REMOVED")
    assert date.Date != "20200229" and KEYS.uid("1.2.3.4") == uid.UID
    assert number.MeasuredValueSequence[0].NumericValue == 12.5
    assert group.ContentSequence[0].TextValue == "Lung"
    assert "113104" in [code.CodeValue for code in after.DeidentificationMethodCodeSequence]


def test_content_goes_without_the_option() -> None:
    after = parse(through_engine(part10(report())))
    assert len(after.ContentSequence) == 0


def test_graphics_stay_cleaned() -> None:
    annotation = item(
        GraphicLayer=MEASURED,
        TextObjectSequence=items(item(UnformattedTextValue=f"Lesion {MEASURED} 3 mm", AnchorPointVisibility="Y")),
        GraphicObjectSequence=items(item(GraphicAnnotationUnits="PIXEL", GraphicData=[1.0, 2.0], GraphicType="POINT")),
    )
    dataset = ct_slice(
        GraphicAnnotationSequence=items(annotation), GraphicLayerSequence=items(item(GraphicLayer=MEASURED))
    )
    dataset.add_new(0x60003000, "OW", MEASURED.encode())
    data = through_engine(part10(dataset), "research-export")
    (after,) = parse(data).GraphicAnnotationSequence
    assert MEASURED.encode() not in data
    assert after.TextObjectSequence[0].UnformattedTextValue == "3 mm"
    assert after.GraphicObjectSequence[0].GraphicData == [1.0, 2.0]
    assert (
        after.GraphicLayer == parse(data).GraphicLayerSequence[0].GraphicLayer == KEYS.label("GraphicLayer", MEASURED)
    )
    assert len(parse(through_engine(part10(dataset))).GraphicAnnotationSequence) == 0


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("cleaned", [False, True])
def test_only_what_was_done_is_declared(profile: str, cleaned: bool) -> None:
    options = load_profile(profile).options
    deidentifier = Deidentifier(KEYS.patient("1", ""), KEYS, Rulebook(load_profile(profile)), Replaced())
    after = parse(deidentifier.clean(Source.of(part10(ct_slice())), pixels_cleaned=cleaned).to_bytes())
    declared = [code.CodeValue for code in after.DeidentificationMethodCodeSequence]
    expected = {OPTION_CODES[option][0] for option in options} | {"113100"} | ({"113101"} if cleaned else set())
    assert declared == sorted(expected)
    assert after.LongitudinalTemporalInformationModified == ("REMOVED" if profile == "basic" else "MODIFIED")


def test_an_export_names_no_device_but_tells_devices_apart() -> None:
    first, second = (
        parse(through_engine(part10(ct_slice(DeviceSerialNumber=serial, StationName="CT01")), "research-export"))
        for serial in ("175855", "175856")
    )
    assert first.DeviceSerialNumber == KEYS.label("DeviceSerialNumber", "175855") != second.DeviceSerialNumber
    assert first.StationName == second.StationName == KEYS.label("StationName", "CT01")
    assert (first.Manufacturer, first.ConvolutionKernel) == ("SIEMENS", "B30f")
