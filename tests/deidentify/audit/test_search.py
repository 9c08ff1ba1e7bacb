"""The search sees an identifier in whatever form it takes, and sees none where there is none."""

import base64
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
)
from tests.deidentify.objects import ct_slice, item, items, part10

from lucidray.deidentify.audit.identifiers import Identifier, Kind
from lucidray.deidentify.audit.search import Hit, Searcher

NAME = Identifier(Kind.NAME, "Mustermann^Erika", "list")
ID = Identifier(Kind.ID, "KX-4711-0815", "list")
BORN = Identifier(Kind.DATE, "19560102", "list")
PATIENT_UID = Identifier(Kind.UID, "1.2.276.0.7230010.3.1.2.471108", "list")
SEARCHER = Searcher([NAME, ID, BORN, PATIENT_UID])


def clean() -> bytes:
    """An object in which nobody is."""
    return part10(ct_slice(PatientName="P0815^", PatientID="P0815", PatientBirthDate="", StudyDescription="CT"))


def found(data: bytes, name: str = "") -> set[tuple[str, str]]:
    return {(hit.identifier.kind.value, hit.place) for hit in SEARCHER.search(data, name)}


def in_padding(content: bytes) -> bytes:
    dataset = ct_slice(PatientName="P0815^", PatientID="P0815", PatientBirthDate="", StudyDescription="CT")
    dataset.add_new(0xFFFCFFFC, "OB", content + b"\0" * (len(content) % 2))
    return part10(dataset, ExplicitVRLittleEndian)


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.xml", content)
    return buffer.getvalue()


def test_nothing_is_found_where_nobody_is() -> None:
    assert SEARCHER.search(clean(), "study/1.dcm") == []


HIDDEN: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda text: text,
    "upper case": bytes.upper,
    "UTF-16": lambda text: text.decode().encode("utf-16-le"),
    "UTF-16 big endian": lambda text: text.decode().encode("utf-16-be"),
    "base64": base64.b64encode,
    "base64 in the middle": lambda text: base64.b64encode(b"id=" + text + b"&"),
    "hexadecimal": lambda text: text.hex().encode(),
    "backwards": lambda text: text[::-1],
    "gzip": gzip.compress,
    "zlib, as in PDF": lambda text: b"%PDF-1.4 stream\r\n" + zlib.compress(text) + b"\r\nendstream",
    "ZIP": zipped,
    "gzip in base64": lambda text: base64.b64encode(gzip.compress(text)),
    "split": lambda text: b"^".join([text[:5], text[5:]]),
    "apart": lambda text: b" ".join(text[at : at + 1] for at in range(len(text))),
}


@pytest.mark.parametrize("form", HIDDEN)
def test_every_form_of_a_number_is_found(form: str) -> None:
    hits = found(in_padding(b"see " + HIDDEN[form](ID.value.encode()) + b" for more"))
    assert {kind for kind, _ in hits} == {"id"}


@pytest.mark.parametrize(
    "text", ["Mustermann, Erika", "erika mustermann", "ERIKA", "ErikaMustermann", "Must^ermannerika", "Frau Mustermann"]
)
def test_a_name_is_found_in_other_orders_and_in_part(text: str) -> None:
    assert found(part10(ct_slice(PatientName="", PatientID="", PatientBirthDate="", StudyDescription=text)))


@pytest.mark.parametrize(
    "text",
    [
        "19560102",
        "1956-01-02",
        "02.01.1956",
        "2.1.1956",
        "01/02/1956",
        "02.01.56",
        "2 1 56",
        "02JAN1956",
        "2 January 1956",
        "19560102101112",
    ],
)
def test_every_form_of_a_date_is_found(text: str) -> None:
    assert found(in_padding(b"born " + text.encode() + b" in town")) == {("date", "DataSetTrailingPadding")}


@pytest.mark.parametrize("text", ["2.25.319560102", "2.25.1956010277", "119560102", "195601022"])
def test_digits_of_another_number_are_no_date(text: str) -> None:
    assert found(in_padding(text.encode())) == set()


def test_the_header_of_the_next_element_is_no_digit() -> None:
    """Group 0032 begins with the byte of the digit 2."""
    dataset = ct_slice(PatientName="", PatientID="", PatientBirthDate="", StudyDescription="")
    dataset.StudyReadDate, dataset.StudyReadTime = BORN.value, ""
    assert found(part10(dataset)) == {("date", "StudyReadDate")}


def test_a_uid_is_found_also_where_it_was_only_made_longer() -> None:
    assert found(in_padding(PATIENT_UID.value.encode() + b".1"))
    assert not found(in_padding(PATIENT_UID.value.encode() + b"1"))


CHARACTER_SETS = {
    "ISO_IR 100": "Jérôme^Åsa",
    "ISO_IR 144": "Люкceмбypг",
    "ISO_IR 192": "山田^太郎",
    "GB18030": "王小东^小东",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
    "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ",
    "ISO_IR 127": "قباني^لنزار",
}


@pytest.mark.parametrize("charset", CHARACTER_SETS)
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_a_name_is_found_in_any_character_set(charset: str, syntax: UID) -> None:
    name = CHARACTER_SETS[charset]
    dataset = ct_slice(SpecificCharacterSet=charset.split("\\"), InstitutionName=None, StudyDescription=None)
    dataset.ReferringPhysicianName, dataset.PatientName = None, ""
    dataset.ContrastBolusAgentSequence = items(item(OperatorsName=name))
    hits = Searcher([Identifier(Kind.NAME, name, "list")]).search(part10(dataset, syntax))
    assert [hit.place for hit in hits] == ["ContrastBolusAgentSequence[0].OperatorsName"]


def test_a_name_is_found_without_its_accents() -> None:
    searcher = Searcher([Identifier(Kind.NAME, "Müller^Jörg", "list")])
    for text in ("MUELLER JOERG", "Muller Jorg", "Müller"):
        assert searcher.search(
            part10(ct_slice(PatientName="", StudyDescription=text, SpecificCharacterSet="ISO_IR 192"))
        )


@pytest.mark.parametrize("text", ["CT 48-15-16", "Thorax 481 516", "48/15/16", "DWI b1000 48 15 16", "48 15 16 3.0"])
def test_a_short_number_is_found_in_groups(text: str) -> None:
    searcher = Searcher([Identifier(Kind.ID, "481516", "list")])
    data = part10(ct_slice(SeriesDescription=text, PatientName="", StudyDescription=""))
    assert [hit.place for hit in searcher.search(data)] == ["SeriesDescription"]


def test_what_is_split_over_elements_is_told_where_it_begins() -> None:
    dataset = ct_slice(PatientName="P0815^", PatientID="", PatientBirthDate="", StudyDescription="CT")
    dataset.PatientComments = "KX\t4711\n08 15"
    assert found(part10(dataset)) == {("id", "PatientComments")}


def test_short_names_are_whole_words() -> None:
    searcher = Searcher([Identifier(Kind.NAME, "Doe^Li", "list")])

    def places(text: str) -> set[str]:
        data = part10(ct_slice(PatientName="", OperatorsName="Li^X", ImageComments=text, StudyDescription=""))
        return {hit.place for hit in searcher.search(data)}

    assert places("doe, li") == {"ImageComments", "OperatorsName"}
    assert places("does like li") == {"OperatorsName"}


def test_a_word_for_nobody_is_no_name() -> None:
    searcher = Searcher([Identifier(Kind.NAME, "Anonymous^Unknown", "list")])
    assert searcher.search(part10(ct_slice(PatientName="", SmokingStatus="UNKNOWN", StudyDescription=""))) == []


def test_places_are_told() -> None:
    dataset = ct_slice(PatientName="P0815^", PatientID=ID.value, PatientBirthDate="", StudyDescription="CT")
    dataset.RequestAttributesSequence = items(item(), item(RequestedProcedureID=ID.value))
    dataset.add_new(0x00291010, "LO", ID.value)
    data = part10(dataset, ExplicitVRLittleEndian, preamble=ID.value.encode().ljust(128, b"\0"))
    assert found(data, f"{ID.value}/1.dcm") == {
        ("id", "file name"),
        ("id", "preamble"),
        ("id", "PatientID"),
        ("id", "RequestAttributesSequence[1].RequestedProcedureID"),
        ("id", "(0029,1010)"),
    }


def test_a_sequence_that_only_its_bytes_show_to_be_one_is_read() -> None:
    """In implicit VR a private sequence looks like bytes."""
    dataset = ct_slice(PatientName="P0815^", PatientID="", PatientBirthDate="", StudyDescription="CT")
    dataset.add_new(0x00290010, "LO", "CREATOR")
    dataset.add_new(0x00291001, "SQ", items(item(), item(StudyReadDate=BORN.value, StudyReadTime="")))
    assert found(part10(dataset)) == {("date", "(0029,1001)[1].StudyReadDate")}


def test_fragments_of_pixel_data_are_read() -> None:
    dataset = ct_slice(PatientName="P0815^", PatientID="", PatientBirthDate="", StudyDescription="CT")
    dataset.add_new("PixelData", "OB", encapsulate([b"\xff\xd8\xff\xfe" + ID.value.encode() + b"\xff\xd9"]))
    dataset["PixelData"].is_undefined_length = True
    assert found(part10(dataset, JPEGBaseline8Bit)) == {("id", "PixelData")}


def test_what_is_no_dicom_is_searched_too() -> None:
    assert found(b"notes on " + ID.value.encode()) == {("id", "the file, which cannot be read as DICOM")}
    assert found(clean()[:-40] + ID.value.encode()[:12])


def test_a_hit_tells_where_and_never_what() -> None:
    hit = Hit(ID, "PatientID", "plain")
    assert ID.value not in hit.identifier.masked
    assert hit.identifier.masked == "K*** (12 characters)"
