"""Cohorts: listed or found, measured in processes, failures told, work never done twice."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tests.lab.features.forms import Forms, write_nifti
from typer.testing import CliRunner

from lucidray.core.errors import Permanent
from lucidray.lab.features.cohort import read_cohort
from lucidray.lab.features.command import SOME_FAILED
from lucidray.lab.features.journal import Journal
from lucidray.lab.features.measuring import Subject, measure_subject
from lucidray.lab.features.run import run_cohort
from lucidray.lab.features.tables import wide
from lucidray.lab.features.workers import run_each
from lucidray.launcher.main import app
from lucidray.phantom import PhantomStudy
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.preset import load_preset

SUV = load_preset("pet-suv")
QUIET = Console(quiet=True)


@pytest.fixture
def cohort(forms: Forms, tmp_path: Path) -> Path:
    """Three subjects, the second without a readable mask; a listing with paths beside it."""
    folder = tmp_path / "cohort"
    for name in ("one", "two", "three"):
        (folder / name).mkdir(parents=True)
        (folder / name / "PET_image.nii.gz").symlink_to(forms.images["NIfTI"])
        (folder / name / "PET_mask.nii.gz").symlink_to(forms.masks["NIfTI"])
    broken = folder / "two" / "PET_mask.nii.gz"
    broken.unlink()
    broken.write_bytes(b"no mask")
    rows = [
        {"subject": name, "image": f"{name}/PET_image.nii.gz", "mask": f"{name}/PET_mask.nii.gz"}
        for name in ("one", "two", "three")
    ]
    with (folder / "list.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["subject", "image", "mask"])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def measured(cohort: Path, output: Path, *, jobs: int = 1) -> list[dict[str, str]]:
    subjects = read_cohort(cohort, SUV)
    run_cohort(subjects, SUV, output, jobs=jobs, shape=wide, engine="1", console=QUIET)
    with output.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_failing_subject_is_a_row_with_its_reason_and_the_rest_goes_on(cohort: Path, tmp_path: Path) -> None:
    output = tmp_path / "f.csv"
    arguments = ["features", str(cohort / "list.csv"), "-p", "pet-suv", "-o", str(output), "--jobs", "2"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == SOME_FAILED
    assert "2 lesions of 3 subjects measured, 1 subject failed" in result.stdout.replace("\n", " ")
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["subject"], row["status"]) for row in rows] == [
        ("one", "measured"),
        ("two", "failed"),
        ("three", "measured"),
    ]
    assert "does not read" in rows[1]["reason"]
    column = "PET_intensity_statistics_maximum_intensity_84IY"
    assert rows[1][column] == ""
    assert rows[0][column] == rows[2][column] != ""


def test_any_number_of_jobs_and_both_kinds_of_cohort_write_the_same_bytes(cohort: Path, tmp_path: Path) -> None:
    measured(cohort / "list.csv", tmp_path / "one.csv", jobs=1)
    (cohort / "list.csv").rename(tmp_path / "list.csv")
    measured(cohort, tmp_path / "two.csv", jobs=3)
    one, two = ((tmp_path / name).read_text().splitlines() for name in ("one.csv", "two.csv"))
    assert sorted(one) == sorted(two)  # a folder is read in the order of names


def test_a_second_run_measures_only_what_is_missing(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "f.csv"
    measured(cohort / "list.csv", output)
    asked: list[str] = []
    monkeypatch.setattr("lucidray.lab.features.run.run_each", recording(asked))
    measured(cohort / "list.csv", output)
    assert asked == ["two"]  # the one that failed
    repaired = cohort / "two" / "PET_mask.nii.gz"
    repaired.unlink()
    repaired.symlink_to(cohort / "one" / "PET_mask.nii.gz")
    os.utime(cohort / "three" / "PET_image.nii.gz")  # follows the link: the image of all three is another one now
    asked.clear()
    assert {row["status"] for row in measured(cohort / "list.csv", output)} == {"measured"}
    assert asked == ["one", "two", "three"]
    assert not Journal(output).path.exists()


def recording(asked: list[str]) -> Callable[..., object]:
    def each(work: object, tasks: list[Subject], jobs: int) -> object:
        asked.extend(task.name for task in tasks)
        return run_each(work, tasks, jobs)  # type: ignore[arg-type]

    return each


def test_a_run_that_was_killed_goes_on_from_its_last_whole_line(cohort: Path, tmp_path: Path) -> None:
    output = tmp_path / "f.csv"
    measured(cohort / "list.csv", output)
    journal = Journal(output).path
    whole = journal.read_bytes()
    first = whole.index(b"\n") + 1
    journal.write_bytes(whole[: first + 100])  # the second line is torn
    with Journal(output) as reopened:
        assert len(reopened) == 1
    assert journal.read_bytes() == whole[:first]
    assert [row["status"] for row in measured(cohort / "list.csv", output)] == ["measured", "failed", "measured"]
    assert journal.read_bytes() == whole


@pytest.mark.faults
def test_a_run_that_is_killed_loses_nothing_that_it_measured(forms: Forms, tmp_path: Path) -> None:
    lines = [f"s{number},{forms.images['NIfTI']},{forms.masks['NIfTI']}" for number in range(40)]
    (tmp_path / "list.csv").write_text("\n".join(["subject,image,mask", *lines]))
    output, whole = tmp_path / "f.csv", tmp_path / "whole.csv"
    command = [sys.executable, "-m", "lucidray.launcher.main", "features", str(tmp_path / "list.csv")]
    process = subprocess.Popen([*command, "-p", "pet-suv", "--jobs", "2", "-o", str(output)], stdout=subprocess.DEVNULL)
    journal = Journal(output).path
    wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 5)
    process.kill()
    process.wait()
    kept = journal.read_bytes().count(b"\n")
    assert 5 <= kept < len(lines)
    assert not output.exists()
    measured(tmp_path / "list.csv", output, jobs=2)
    measured(tmp_path / "list.csv", whole)
    assert output.read_bytes() == whole.read_bytes()


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_two_runs_do_not_write_one_table(tmp_path: Path) -> None:
    with Journal(tmp_path / "f.csv"), pytest.raises(Permanent, match="another run"), Journal(tmp_path / "f.csv"):
        pass


def _die_of_seven(task: int) -> int:
    if task == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return task * task


def test_a_process_that_dies_takes_only_its_task_along() -> None:
    outcomes = {done: (result, code) for done, result, code in run_each(_die_of_seven, list(range(10)), 3)}
    assert outcomes.pop(7) == (None, -signal.SIGKILL)
    assert outcomes == {task: (task * task, None) for task in range(10) if task != 7}


def test_several_regions_are_several_rows(forms: Forms, tmp_path: Path) -> None:
    labels = forms.roi.mask.astype(np.uint8)
    labels[np.nonzero(forms.roi.mask.any(axis=(1, 2)))[0][0]] *= 2
    write_nifti(tmp_path / "mask.nii", labels, forms.volume.grid)
    subject = Subject(name="s", images={"PET": forms.images["NIfTI"]}, masks={"": tmp_path / "mask.nii"})
    assert [row.roi for row in measure_subject(subject, SUV)] == ["1", "2"]


def test_a_lesion_without_any_value_says_so(forms: Forms, tmp_path: Path) -> None:
    image = np.full(forms.roi.mask.shape, np.nan, np.float32)
    write_nifti(tmp_path / "image.nii", image, forms.volume.grid)
    lines = [
        f"blank,{tmp_path / 'image.nii'},{forms.masks['NIfTI']}",
        f"a,{forms.images['NIfTI']},{forms.masks['NIfTI']}",
    ]
    (tmp_path / "list.csv").write_text("\n".join(["subject,image,mask", *lines]))
    preset = SUV.model_copy(update={"measurements": [_intensities()]})
    rows = [row for each in read_cohort(tmp_path / "list.csv", preset) for row in measure_subject(each, preset)]
    assert [(row.status, bool(row.reason)) for row in rows] == [("undefined", True), ("measured", False)]


def _intensities() -> Measurement:
    return SUV.measurements[0].model_copy(update={"families": ["intensity_statistics"]})


def test_a_folder_of_dicom_objects_is_a_subject_with_every_image_of_the_preset(
    study: PhantomStudy, tmp_path: Path
) -> None:
    study.write(tmp_path / "cohort" / "patient")
    preset = load_preset("pet-ct-core")
    (subject,) = read_cohort(tmp_path / "cohort", preset)
    assert subject.images == {"": tmp_path / "cohort" / "patient"}
    (row,) = measure_subject(subject, preset)
    assert {each.image_role for each in row.features} == {"PET", "CT"}


def test_folders_of_images_and_masks_are_found_by_role(cohort: Path, tmp_path: Path) -> None:
    for kind in ("image", "mask"):
        (tmp_path / "c" / "p" / "pet" / kind).mkdir(parents=True)
        (tmp_path / "c" / "p" / "MR_T1" / kind).mkdir(parents=True)
    (subject,) = read_cohort(tmp_path / "c", SUV)
    folder = tmp_path / "c" / "p" / "pet"
    assert (subject.images, subject.masks) == ({"PET": folder / "image"}, {"PET": folder / "mask"})


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "lists no subject"),
        ("subject,image,mask\n", "lists no subject"),
        ("subject,image\na,b\n", "does not name a mask"),
        ("subject,image,mask\n,b,c\n", "does not name a subject"),
        ("subject;image;mask\na;b.nii;c.nii\n", "its columns are subject;image;mask"),
        ("subject,image,mask\nMiller, A,b.nii,c.nii\n", "line 2: it has more cells than there are columns"),
        ("subject,image,mask,roi\na,b.nii,c.nii,1\na,b.nii,c.nii,2\na,b.nii,c.nii,1\n", "line 4: it is line 2 again"),
    ],
)
def test_a_listing_that_lacks_something_is_refused_by_line(tmp_path: Path, text: str, cause: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(Permanent, match=cause):
        read_cohort(tmp_path / "list.csv", SUV)


def test_a_listing_is_read_as_spreadsheets_write_it(tmp_path: Path) -> None:
    """Upper case, blanks after commas, a byte order mark, Windows' ends of lines, empty cells beyond the header."""
    (tmp_path / "list.csv").write_bytes("Subject, Image.PET, MASK\r\nMüller, b.nii, c.nii,,\r\n".encode("utf-8-sig"))
    (subject,) = read_cohort(tmp_path / "list.csv", SUV)
    assert subject.name == "Müller"
    assert (subject.images, subject.masks) == ({"PET": tmp_path / "b.nii"}, {"": tmp_path / "c.nii"})
    (tmp_path / "list.csv").write_bytes("subject,image,mask\nMüller,b.nii,c.nii".encode("latin-1"))
    with pytest.raises(Permanent, match="not UTF-8"):
        read_cohort(tmp_path / "list.csv", SUV)


def test_hidden_folders_are_no_subjects(tmp_path: Path) -> None:
    for name in (".ipynb_checkpoints", "anna"):
        (tmp_path / name).mkdir()
    assert [each.name for each in read_cohort(tmp_path, SUV)] == ["anna"]


def test_an_image_that_does_not_say_which_role_it_has_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("subject,image,mask\na,b.nii,c.nii\n")
    with pytest.raises(Permanent, match="measures CT, PET"):
        read_cohort(tmp_path / "list.csv", load_preset("pet-ct-core"))


def test_a_folder_without_images_of_the_preset_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (subject,) = read_cohort(tmp_path, SUV)
    with pytest.raises(Permanent, match="folder empty: it holds no DICOM object of modality PT, but none at all"):
        measure_subject(subject, SUV)


def test_images_may_be_listed_by_role_and_each_may_have_its_own_mask(forms: Forms, tmp_path: Path) -> None:
    image, mask = forms.images["NIfTI"], forms.masks["NIfTI"]
    (tmp_path / "list.csv").write_text(f"subject,image.PET,mask.PET\na,{image},{mask}\n")
    (subject,) = read_cohort(tmp_path / "list.csv", load_preset("pet-ct-hybrid"))
    (row,) = measure_subject(subject, load_preset("pet-ct-hybrid"))
    assert {each.image_role for each in row.features} == {"PET"}
    assert "PET+CT is not measured together" in row.remarks[-1]
    assert "CT is not measured: no such image was given" in row.remarks
    labels = forms.roi.mask.astype(np.uint8)
    labels[0, 0, 0] = 2
    write_nifti(tmp_path / "two.nii", labels, forms.volume.grid)
    with pytest.raises(Permanent, match="holds 2 regions"):
        measure_subject(subject.model_copy(update={"masks": {"PET": tmp_path / "two.nii"}}), SUV)


def test_an_unforeseen_fault_is_told_by_its_place_and_not_by_its_text(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lucidray.lab.features.run import Work

    def fail(*_: object) -> None:
        raise ValueError("Doe^John")

    monkeypatch.setattr("lucidray.lab.features.run.measure_subject", fail)
    (row,) = Work(SUV)(Subject(name="s", images={}, masks={}))
    assert row.status == "failed"
    assert "ValueError in fail (test_cohort.py" in row.reason
    assert "Doe" not in json.dumps(row.model_dump())
