"""Whole folders: everything readable goes out clean and in its place, the rest is left out with a reason."""

import csv
import json
import signal
import subprocess
import sys
import time
from datetime import datetime
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage
from rich.console import Console
from tests.deidentify.objects import SITE_KEY, ct_slice, item, items, open_vault, parse, part10
from typer.testing import CliRunner

from lucidray.core.errors import Permanent, Refused, Transient
from lucidray.deidentify.accesslog import accesses
from lucidray.deidentify.cleaned import Cleaned
from lucidray.deidentify.consent import Register
from lucidray.deidentify.folders.export import export_folder
from lucidray.deidentify.folders.keys import Forgotten, Kept, Keys
from lucidray.deidentify.folders.report import Report
from lucidray.deidentify.folders.restoring import restore_folder
from lucidray.deidentify.keyring import Keyring
from lucidray.deidentify.pseudonyms import PseudonymKeys
from lucidray.launcher.main import app

COUNT = 5


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two studies of one patient and one of another, and what does not go out."""
    folder = tmp_path / "Müller Jörg"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"Müller^Jörg {number}.dcm").write_bytes(part10(ct_slice(number)))
    (folder / "later").mkdir()
    other = {"StudyInstanceUID": "1.2.3", "StudyDate": "20200307", "IssuerOfPatientID": None}
    (folder / "later" / "1").write_bytes(part10(ct_slice(20, **other)))
    (folder / "later" / "2").write_bytes(part10(ct_slice(21, **other | {"IssuerOfPatientID": "HOSP"})))
    (folder / "later" / "3").write_bytes(part10(ct_slice(30, StudyInstanceUID="1.2.4", PatientID="other")))
    screen = ct_slice(40, ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"])
    (folder / "screen").write_bytes(part10(screen))
    (folder / "stranger").write_bytes(part10(ct_slice(41, PatientID="stranger")))
    (folder / "twin").write_bytes(part10(ct_slice(0, SeriesNumber=77)))
    (folder / "letter.txt").write_text("Dear Mr Müller")
    (folder / "no-study").write_bytes(part10(ct_slice(42, StudyInstanceUID=None)))
    return folder


def export(source: Path, target: Path, keys: Keys | None = None, jobs: int = 1, profile: str = "clinical-ai") -> Report:
    return export_folder(source, target, profile, keys or Forgotten(), jobs, Console(file=StringIO()))


def kept(folder: Path) -> Kept:
    return Kept(SITE_KEY, Keyring([SITE_KEY]), open_vault(folder))


def objects(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.dcm"))}


def test_every_object_goes_to_its_place(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    report = export(source, target)
    found = objects(target)
    assert len(found) == report.written == COUNT + 3
    for name, data in found.items():
        after = parse(data)
        expected = (after.PatientID, after.StudyInstanceUID, after.SeriesInstanceUID, f"{after.SOPInstanceUID}.dcm")
        assert Path(name).parts == expected
    assert (len(report.patients), report.studies) == (2, 3)
    per_patient = [
        sorted({str(after.StudyDate) for after in map(parse, found.values()) if after.PatientID == patient})
        for patient in report.patients
    ]
    ((first, second),) = [dates for dates in per_patient if len(dates) > 1]
    assert (datetime.strptime(second, "%Y%m%d") - datetime.strptime(first, "%Y%m%d")).days == 7
    assert sorted(path.name for path in target.iterdir()) == sorted([*report.patients, "report.json"])


def test_what_is_left_out_is_told_with_its_reason_and_no_name(source: Path, tmp_path: Path) -> None:
    report = export(source, tmp_path / "out")
    reasons = {path.name: cause for path, cause in report.refused}
    assert reasons.keys() == {"screen", "stranger", "twin", "letter.txt", "no-study"}
    assert "screen save" in reasons["screen"] and "another patient" in reasons["stranger"]
    assert "DICOM" in reasons["letter.txt"] and "which study" in reasons["no-study"]
    facts = (tmp_path / "out" / "report.json").read_text()
    assert json.loads(facts)["refused"].values() and "Müller" not in facts and str(source) not in facts
    report.write_refused(tmp_path / "refused.csv")
    with (tmp_path / "refused.csv").open(newline="") as lines:
        assert {Path(line["file"]).name for line in csv.DictReader(lines)} == set(reasons)


def test_forgotten_keys_are_others_each_time(source: Path, tmp_path: Path) -> None:
    first, second = (export(source, tmp_path / name) for name in ("a", "b"))
    assert not first.patients & second.patients
    assert not objects(tmp_path / "a").keys() & objects(tmp_path / "b").keys()


def test_many_processes_write_what_one_does(source: Path, tmp_path: Path) -> None:
    (source / "twin").unlink()
    keys = kept(tmp_path / "vault")
    export(source, tmp_path / "one", keys)
    export(source, tmp_path / "two", keys, jobs=2)
    assert objects(tmp_path / "one") == objects(tmp_path / "two")


def result_on(image: Dataset) -> Dataset:
    """A result that refers to an exported image."""
    result = item(
        SOPClassUID=SegmentationStorage, SOPInstanceUID="1.2.826.0.1.3680043.9.1", SeriesInstanceUID="1.2.826.0.1.9.2"
    )
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "FrameOfReferenceUID"):
        setattr(result, keyword, image[keyword].value)
    result.ReferencedSeriesSequence = items(
        item(
            SeriesInstanceUID=image.SeriesInstanceUID,
            ReferencedInstanceSequence=items(item(ReferencedSOPInstanceUID=image.SOPInstanceUID)),
        )
    )
    return result


def test_results_find_their_way_back_through_the_vault(source: Path, tmp_path: Path) -> None:
    keys = kept(tmp_path / "vault")
    export(source, tmp_path / "out", keys)
    (tmp_path / "results").mkdir()
    for name, data in objects(tmp_path / "out").items():
        (tmp_path / "results" / Path(name).name).write_bytes(part10(result_on(parse(data))))
    assert restore_folder(tmp_path / "results", tmp_path / "restored", keys) == COUNT + 3
    originals = {ct_slice(number).SOPInstanceUID for number in (*range(COUNT), 20, 21, 30)}
    back = [parse(path.read_bytes()) for path in (tmp_path / "restored").iterdir()]
    assert {one.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID for one in back} == (
        originals
    )
    assert {str(one.PatientID) for one in back} == {"4711-0815", "other"}
    assert {str(one.StudyInstanceUID) for one in back} == {ct_slice().StudyInstanceUID, "1.2.3", "1.2.4"}


def give_back(exported: Path, results: Path, restored: Path, keys: Kept) -> list[Dataset]:
    """Results on every exported object, restored."""
    results.mkdir()
    for name, data in objects(exported).items():
        (results / Path(name).name).write_bytes(part10(result_on(parse(data))))
    restore_folder(results, restored, keys)
    return [parse(path.read_bytes()) for path in restored.iterdir()]


def test_an_export_of_a_part_leaves_the_way_back_of_the_whole(source: Path, tmp_path: Path) -> None:
    keys = kept(tmp_path / "vault")
    export(source, tmp_path / "whole", keys)
    part = tmp_path / "part"
    part.mkdir()
    (part / "1").write_bytes(part10(ct_slice(1)))
    (part / "2").write_bytes(part10(ct_slice(50)))  # came later
    assert export(part, tmp_path / "again", keys).refused == []
    for name, numbers in (("whole", {*range(COUNT), 20, 21, 30}), ("again", {1, 50})):
        back = give_back(tmp_path / name, tmp_path / f"results of {name}", tmp_path / f"{name} restored", keys)
        assert {
            one.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID for one in back
        } == {ct_slice(number).SOPInstanceUID for number in numbers}


@pytest.mark.parametrize("issuer", ["HOSP", None])
def test_an_export_that_would_destroy_the_way_back_of_another_is_refused(
    source: Path, tmp_path: Path, issuer: str | None
) -> None:
    """Other profiles and other patients (without their issuer) have other dates."""
    keys = kept(tmp_path / "vault")
    export(source, tmp_path / "first", keys)
    before = give_back(tmp_path / "first", tmp_path / "results", tmp_path / "restored", keys)
    part = tmp_path / "part"
    part.mkdir()
    (part / "1").write_bytes(part10(ct_slice(1, IssuerOfPatientID=issuer)))
    report = export(part, tmp_path / "again", keys, profile="basic" if issuer else "clinical-ai")
    assert report.written == 0
    [(path, cause)] = report.refused
    assert path == part / "1" and "dates were treated differently" in cause
    assert objects(tmp_path / "again") == {}
    after = give_back(tmp_path / "first", tmp_path / "results again", tmp_path / "restored again", keys)
    assert [one.to_json() for one in after] == [one.to_json() for one in before]


def test_what_was_exported_is_not_kept_in_place_of_its_original(source: Path, tmp_path: Path) -> None:
    keys = kept(tmp_path / "vault")
    export(source, tmp_path / "first", keys)
    report = export(tmp_path / "first", tmp_path / "again", keys)
    assert report.written == 0
    assert {cause for path, cause in report.refused if path.suffix == ".dcm"} == {
        "it was de-identified here before, and the vault keeps the way back to its original"
    }


def test_without_a_vault_there_is_no_way_back(source: Path, tmp_path: Path) -> None:
    patient = sorted(export(source, tmp_path / "out").patients)[0]
    with pytest.raises(Refused, match="the vault holds no folder of it"):
        restore_folder(tmp_path / "out" / patient, tmp_path / "restored", kept(tmp_path / "vault"))
    with kept(tmp_path / "vault").vault.begin() as connection:
        [look] = accesses(connection)
    assert (look.action, look.outcome) == ("find", "nothing")


def test_a_result_that_does_not_resolve_is_told_without_a_role(source: Path, tmp_path: Path) -> None:
    keys = kept(tmp_path / "vault")
    export(source, tmp_path / "out", keys)
    stranger = result_on(parse(next(iter(objects(tmp_path / "out").values()))))
    stranger.FrameOfReferenceUID = "1.2.3.4711"
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "1").write_bytes(part10(stranger))
    with pytest.raises(Refused, match="^result 0: ") as refusal:
        restore_folder(tmp_path / "results", tmp_path / "restored", keys)
    assert "role" not in str(refusal.value)


def test_no_study_appears_before_its_way_back_is_kept(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = kept(tmp_path / "vault")

    def fail(*_: object, **__: object) -> None:
        raise Transient("vault", "its database does not answer", "see that it runs")

    monkeypatch.setattr(keys.vault, "write", fail)
    with pytest.raises(Transient):
        export(source, tmp_path / "out", keys)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_patient_who_opted_out_stays_in(source: Path, tmp_path: Path) -> None:
    keys = kept(tmp_path / "vault")
    Register(keys.vault).opt_out(SITE_KEY.patient("other", "HOSP"))
    report = export(source, tmp_path / "out", keys)
    assert report.written == COUNT + 2
    assert next(cause for path, cause in report.refused if path.name == "3")


def test_a_file_that_breaks_the_engine_is_left_out_alone(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "Müller^Jörg 1.dcm").write_bytes(
        part10(ct_slice(1), ExplicitVRLittleEndian).replace(
            b"1.2.840.10008.1.2.1", "1.2.MÜLLER^JÖRG1234".encode("latin-1")
        )
    )
    meta = Cleaned._meta

    def fail(self: Cleaned) -> bytes:
        if self.sop_instance_uid == broken:
            raise ValueError("Müller")
        return meta(self)

    monkeypatch.setattr(Cleaned, "_meta", fail)
    keys = Forgotten()
    broken = PseudonymKeys(keys.site_key).uid(ct_slice(2).SOPInstanceUID)
    report = export(source, tmp_path / "out", keys)
    reasons = {path.name: cause for path, cause in report.refused}
    assert "transfer syntax" in reasons["Müller^Jörg 1.dcm"]
    assert reasons["Müller^Jörg 2.dcm"] == "it cannot be written (ValueError)"
    assert report.written == len(objects(tmp_path / "out")) == COUNT + 1


WAITS_AT_THE_SECOND_STUDY = """
import sys, time
from pathlib import Path
from lucidray.deidentify.folders.keys import Forgotten
from lucidray.launcher.main import main

flag = Path(sys.argv.pop())

def keep(*_):
    if flag.exists():
        flag.with_suffix(".waits").touch()
        time.sleep(600)
    flag.touch()

Forgotten.keep = keep
main()
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_was_interrupted_begins_anew_on_the_same_folder(
    source: Path, tmp_path: Path, how: signal.Signals
) -> None:
    target, flag = tmp_path / "out", tmp_path / "flag"
    command = ["deidentify", str(source), str(target), "--jobs", "2"]
    interrupted = subprocess.Popen(
        [sys.executable, "-c", WAITS_AT_THE_SECOND_STUDY, *command, str(flag)], stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 60
    while not flag.with_suffix(".waits").exists():
        assert interrupted.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    with pytest.raises(Permanent, match="another running process uses it"):
        export(source, target)
    interrupted.send_signal(how)
    said = interrupted.communicate(timeout=60)[1]  # ends when its processes have ended too
    assert interrupted.returncode
    if how == signal.SIGTERM:
        assert "interrupted" in said and "Traceback" not in said
        assert not list(target.glob(".incoming-*"))
    [left] = {Path(name).parts[0] for name in objects(target) if not name.startswith(".")}
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert len(objects(target)) == COUNT + 3 and not (target / left).exists()
    assert not [path for path in target.iterdir() if path.name.startswith(".")]


def test_only_what_an_interrupted_run_made_is_taken_away(source: Path, tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "out", tmp_path / "elsewhere" / "1.2"
    for folder in (target / "PAT1" / "1.2", target / "PAT1" / "mine", elsewhere):
        folder.mkdir(parents=True)
    (target / ".unfinished").write_text("PAT1/1.2\n../elsewhere/1.2\n")
    with pytest.raises(Permanent, match="not empty"):
        export(source, target)
    assert not (target / "PAT1" / "1.2").exists()
    assert (target / "PAT1" / "mine").exists() and elsewhere.exists()


def test_nothing_is_mixed_with_what_is_there(source: Path, tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="not empty"):
        export(source, source)
    with pytest.raises(Permanent, match="there is no file"):
        (tmp_path / "empty").mkdir()
        export(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(Permanent, match="nothing can be written there"):
        export(source, source / "letter.txt" / "out")
    with pytest.raises(Permanent, match="profile 'secret'"):
        export(source, tmp_path / "out", profile="secret")


def test_command_line(source: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    done = run(app, ["deidentify", str(source), str(tmp_path / "out"), "--jobs", "1", "--nifti"])
    assert done.exit_code == 0, done.output
    assert f"{COUNT + 3} of 13 files written" in done.output and "Müller" not in done.output
    assert len(list((tmp_path / "out" / "nifti").rglob("*.nii.gz"))) >= 1
    assert "audit" in run(app, ["deidentify", "--help"]).output
    audit = run(app, ["deidentify", "audit", str(tmp_path / "out"), "--original", str(source)])
    assert audit.exit_code == 0, audit.output


def test_nifti_has_the_values_and_the_place(source: Path, tmp_path: Path) -> None:
    from lucidray.lab.nifti import read_nifti
    from lucidray.lab.series_nifti import export_series

    for path in source.iterdir():
        if path.is_file() and not path.name.startswith("Müller"):
            path.unlink()
    export(source, tmp_path / "out")
    outcomes = export_series(tmp_path / "out", tmp_path / "nifti")
    assert outcomes[""] >= 1
    (path,) = [path for path in (tmp_path / "nifti").rglob("*.nii.gz") if read_nifti(path)[0].shape[0] == COUNT]
    voxels, grid = read_nifti(path)
    stored = np.frombuffer(ct_slice(2).PixelData, "<i2").reshape(8, 8).astype(np.int32)
    assert (voxels[2] == stored - 1024).all()
    assert grid.spacing == pytest.approx((3.0, 1.5, 1.5)) and grid.origin == pytest.approx((-40.5, -40.5, 0.0))
    facts = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
    assert facts["unit"] == "[hnsf'U]" and facts["scanner"]["ConvolutionKernel"] == "B30f"
