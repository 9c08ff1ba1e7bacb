"""The command: what it reads, prints, warns of and ends with."""

from pathlib import Path

import pytest
from tests.deidentify.objects import ct_slice, item, items, part10, through_engine
from typer.testing import CliRunner

from lucidray.core.errors import Permanent
from lucidray.deidentify.audit.identifiers import Kind, from_csv, from_folder
from lucidray.deidentify.audit.suspicions import suspicions
from lucidray.launcher.deidentify_commands import out
from lucidray.launcher.main import app


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no sentence is broken."""
    monkeypatch.setattr(out, "width", 200)


def audit(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["deidentify", "audit", *map(str, arguments)])
    return done.exit_code, done.output


def test_a_leak_ends_with_1_and_is_told_without_being_told(tmp_path: Path) -> None:
    original, clean = tmp_path / "original", tmp_path / "clean"
    for folder in (original, clean):
        folder.mkdir()
    data = part10(ct_slice())
    (original / "1.dcm").write_bytes(data)
    (clean / "a.dcm").write_bytes(through_engine(data))
    status, output = audit(clean, "--original", original)
    assert (status, "none found" in output) == (0, True)
    (clean / "Jörg Müller.dcm").write_bytes(data)
    status, output = audit(clean, "--original", original)
    assert status == 1
    assert "StudyDescription" in output and "from PatientName" not in output
    for value in ("4711", "Müller", "Jörg", "Görans", "19560102", "ACC-77", "2.100.1"):
        assert value not in output


def test_without_identifiers_it_warns_and_ends_with_0(tmp_path: Path) -> None:
    (tmp_path / "1.dcm").write_bytes(part10(ct_slice()))
    status, output = audit(tmp_path)
    assert status == 0
    assert "person's name that is not a pseudonym" in output and "no known identifiers" in output


def test_identifiers_come_from_a_list(tmp_path: Path) -> None:
    listed = tmp_path / "known.csv"
    listed.write_text("identifier,kind\nMüller^Jörg,name\n\n4711-0815,ID\nWard 7\n19560102,date\n")
    assert [(one.kind, one.value, one.source) for one in from_csv(listed)] == [
        (Kind.NAME, "Müller^Jörg", "line 2"),
        (Kind.ID, "4711-0815", "line 4"),
        (Kind.TEXT, "Ward 7", "line 5"),
        (Kind.DATE, "19560102", "line 6"),
    ]


def test_a_list_that_is_wrong_is_refused_without_quoting_it(tmp_path: Path) -> None:
    listed = tmp_path / "known.csv"
    for content, cause in ((b"4711-0815,patient\n", "kind"), (b"\n,\n", "no identifier"), (b"M\xfcller\n", "UTF-8")):
        listed.write_bytes(content)
        with pytest.raises(Permanent, match=cause) as failure:
            from_csv(listed)
        assert "4711" not in str(failure.value)
    with pytest.raises(Permanent, match="cannot be read"):
        from_csv(tmp_path / "none.csv")


def test_identifiers_come_from_original_objects(tmp_path: Path) -> None:
    dataset = ct_slice(OtherPatientIDsSequence=items(item(PatientID="ALT-99")), OperatorsName="Ek^Bo\\Alm^Li")
    (tmp_path / "1.dcm").write_bytes(part10(dataset))
    values = {one.value for one in from_folder(tmp_path)}
    assert {"Müller^Jörg", "4711-0815", "ALT-99", "Ek^Bo", "Alm^Li", "19560102", "Läkare^Eva", "ACC-77-1"} <= values
    assert not [value for value in values if value.startswith("1.2.840.10008.")]
    with pytest.raises(Permanent):
        from_folder(tmp_path / "empty")


def test_an_empty_folder_is_not_called_clean(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["deidentify", "audit", str(tmp_path)])
    assert isinstance(done.exception, Permanent)


def test_what_is_suspicious_is_named() -> None:
    dataset = ct_slice(BurnedInAnnotation="YES", PatientIdentityRemoved="YES", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    dataset.add_new(0x00291010, "LO", "x")
    dataset.add_new(0x60000022, "LO", "x")
    dataset.add_new(0x50000022, "LO", "x")
    dataset.add_new(0x00080999, "LO", "x")
    dataset.add_new(0xFFFCFFFC, "OB", b"x\0")
    dataset.EncapsulatedDocument = b"%PDF-1.4"
    found = {(each.what, each.place) for each in suspicions(part10(dataset, preamble=b"II*\0".ljust(128, b"\0")))}
    assert found == {
        ("TIFF header in the preamble", "preamble"),
        ("does not say how it was de-identified", "DeidentificationMethod"),
        ("has burned-in annotation", "BurnedInAnnotation"),
        ("is a secondary capture, which may show or hold identity", "SOPClassUID"),
        ("private attribute", "(0029,1010)"),
        ("overlay", "OverlayDescription"),
        ("curve", "CurveDescription"),
        ("attribute that no dictionary knows", "(0008,0999)"),
        ("padding is not empty", "DataSetTrailingPadding"),
        ("PDF document", "EncapsulatedDocument"),
        ("person's name that is not a pseudonym", "PatientName"),
        ("person's name that is not a pseudonym", "ReferringPhysicianName"),
        ("birth date", "PatientBirthDate"),
        ("accession number", "AccessionNumber"),
    }
    assert [each.what for each in suspicions(b"no DICOM")] == ["not readable as DICOM: searched as bytes only"]


@pytest.mark.parametrize("profile", ["clinical-ai", "basic"])
def test_what_the_engine_gives_is_not_suspicious(profile: str) -> None:
    assert suspicions(through_engine(part10(ct_slice()), profile)) == []
