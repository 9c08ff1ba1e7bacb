from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from tests.deidentify.objects import KEYS, ct_slice, item, items, parse, part10, through_engine

from lucidray.deidentify.own import of_name, of_number, of_telephone, spellings


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("Müller", {"MULLER", "MUELLER"}), ("MUELLER", {"MUELLER", "MULLER"}), ("Đorđe", {"DORDE"}), ("Weiß", {"WEISS"}),
     ("Sørbæk", {"SORBAEK", "SOERBAEK", "SORBAK"}), ("Łuków", {"LUKOW"}), ("Ås", {"AS", "AAS"}), ("Boe", {"BOE"}),
     ("Mu\u0308ller", {"MULLER", "MUELLER"})],
)  # fmt: skip
def test_a_name_is_asked_for_in_all_spellings(name: str, spelled: set[str]) -> None:
    assert spellings(name) == spelled


def test_parts_of_names_and_numbers() -> None:
    assert of_name("Li^Wei=李^偉") == {"LI", "WEI", "LIWEI", "WEILI"}
    assert of_telephone("+46 (70) 123 45 67") == {"46701234567", "1234567"}
    assert of_number("K77\\4711-0815\\12 3456") == {"K77", "47110815", "12", "3456", "123456"}
    assert of_number("1") == frozenset()


OTHER_ID = items(item(PatientID="HX5812", IssuerOfPatientID="B"))
OBSERVER = items(item(VerifyingObserverName="Quillson^Ada"))


@pytest.mark.parametrize(
    ("identity", "keyword", "value"),
    [
        ({"OtherPatientIDsSequence": OTHER_ID}, "StationName", "HX5812"),
        ({"VerifyingObserverSequence": OBSERVER}, "StationName", "QUILLSON1"),
        ({"PatientName": "Müller^Jörg"}, "StationName", "MUELLER1"),
        ({"PatientName": "Mueller^Joerg"}, "StationName", "MULLER1"),
        ({"PatientName": "Sørbæk^Åse"}, "StationName", "SORBAEK1"),
        ({"PatientID": "K77"}, "StationName", "K77"),
        ({"PatientID": "K77"}, "ConvolutionKernel", "K77"),
        ({"PatientName": "Xiu^An"}, "StationName", "Xiu7"),
        ({"PatientTelephoneNumbers": "070-123 45 67"}, "DeviceSerialNumber", "1234567"),
        ({"OperatorsName": "Olsson^Pia"}, "StationName", "OLSSON2"),
        ({"ReferringPhysicianName": "Bauer^Eva"}, "StationName", "BAUER3"),
        ({"ReferringPhysicianName": "Bauer^Eva"}, "StationName", "EVA3"),
    ],
)
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_who_was_there_does_not_pass_as_a_device(
    identity: dict[str, Any], keyword: str, value: str, syntax: Any
) -> None:
    nobody: dict[str, Any] = {"PatientName": "Ek^Bo", "ReferringPhysicianName": "", keyword: value}
    given = {"SpecificCharacterSet": "ISO_IR 192", **nobody}
    assert parse(through_engine(part10(ct_slice(**given), syntax)))[keyword].value == value
    after = parse(through_engine(part10(ct_slice(**{**given, **identity}), syntax)))
    assert after[keyword].value == KEYS.label(keyword, value)


def test_the_same_scanner_is_the_same_whoever_operates_it() -> None:
    device: dict[str, Any] = {
        "StationName": "CT01",
        "ManufacturerModelName": "Biograph 64",
        "ConvolutionKernel": "Br40d",
        "SoftwareVersions": "syngo CT VA48A",
        "DeviceSerialNumber": "66045",
    }
    for operator in ("BR", "CT", "Li^Bo", "HEAD^MR", "1", "Vision^Ge"):
        after = parse(through_engine(part10(ct_slice(OperatorsName=operator, StudyID="1", **device))))
        assert {keyword: after[keyword].value for keyword in device} == device


def test_identifiers_deep_in_an_object_are_asked_for() -> None:
    deep: Dataset = item(PatientName="Quillson^Ada")
    for _ in range(6):
        deep = item(ReferencedStudySequence=items(deep))
    after = parse(through_engine(part10(ct_slice(RequestAttributesSequence=items(deep), StationName="QUILLSON1"))))
    assert after.StationName == KEYS.label("StationName", "QUILLSON1")


def test_a_broken_sequence_that_goes_does_no_harm() -> None:
    one = items(item(ReferencedSOPInstanceUID="1.2.3"))
    whole = part10(ct_slice(StationName="CT01", ReferencedPatientSequence=one), ExplicitVRLittleEndian)
    broken = whole.replace(b"\xfe\xff\x00\xe0", b"\x08\x00\x01\x00", 1)  # no item any more
    assert broken != whole
    after = parse(through_engine(broken))
    assert after.StationName == "CT01" and "ReferencedPatientSequence" not in after
