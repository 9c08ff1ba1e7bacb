"""Clinical columns beside features: by subject, by the codes and rules of the service."""

import csv
import os
from pathlib import Path

import pytest
from pydicom import dcmread
from rich.console import Console
from tests.lab.features.forms import Forms
from tests.lab.features.test_cohort import recording
from typer.testing import CliRunner

from lucidray.contracts.clinical import AGE, SEX, WEIGHT
from lucidray.core.errors import Permanent
from lucidray.harmonize.patient import clinical_variables, said_of_patient
from lucidray.imaging.dicom import tolerant
from lucidray.lab.features.clinical import INPUTS, read_clinical
from lucidray.lab.features.command import Request, run
from lucidray.launcher.main import app

TABLE = """subject,age,sex,weight,height,LDH [LN 14804-9 U/L],grade
one,63,F,78.4,1.71,212,high
two,47.5,male,,171,,low
three,93,O,78.4,1.71,198.5,
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "clinical.csv"
    path.write_text(TABLE)
    return path


@pytest.fixture
def cohort(forms: Forms, tmp_path: Path) -> Path:
    """Two subjects; a second lesion of the first is what nobody can read."""
    path = tmp_path / "cohort.csv"
    image, mask = forms.images["NIfTI"], forms.masks["NIfTI"]
    path.write_text(f"subject,image,mask\none,{image},{mask}\ntwo,{image},{mask}\nthree,{image},{tmp_path}/none.nii\n")
    return path


def measured(cohort: Path, table: Path, output: Path, *, as_long: bool = False) -> list[dict[str, str]]:
    console = Console(quiet=True)
    run(Request(cohort, [], None, "", "pet-suv", output, 1, as_long, False, table), console)
    with output.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_lesion_has_the_variables_of_its_subject(cohort: Path, table: Path, tmp_path: Path) -> None:
    rows = measured(cohort, table, tmp_path / "f.csv")
    columns = [each for each in rows[0] if each.startswith("clinical_")]
    assert columns == [
        "clinical_age_121033",
        "clinical_female_121032",
        "clinical_weight_27113001",
        "clinical_height_50373000",
        "clinical_LDH_14804-9",
    ]
    assert [[row[each] for each in columns] for row in rows] == [
        ["63.0", "1.0", "78.4", "1.71", "212.0"],
        ["47.5", "0.0", "", "", ""],  # a height in centimetres is not believed
        ["", "", "78.4", "1.71", "198.5"],  # above 89 years nobody's age is known; of another sex a model says nothing
    ]
    assert [row["status"] for row in rows] == ["measured", "measured", "failed"]
    assert rows[0]["PET_intensity_statistics_maximum_intensity_84IY"] != ""


def test_a_long_table_has_a_row_for_each_with_code_and_reason(cohort: Path, table: Path, tmp_path: Path) -> None:
    rows = measured(cohort, table, tmp_path / "f.csv", as_long=True)
    clinical = [row for row in rows if row["family"] == "clinical"]
    assert [row["subject"] for row in clinical] == ["one"] * 5 + ["two"] * 5
    assert {row["roi"] for row in clinical} == {rows[0]["roi"]}
    (age,) = [row for row in clinical if (row["subject"], row["name"]) == ("one", "age")]
    assert (age["code"], age["value"], age["unit"], age["reason"]) == ("DCM 121033", "63.0", "a", "")
    (height,) = [row for row in clinical if (row["subject"], row["name"]) == ("two", "height")]
    assert height["value"] == "" and "not between 0.2 and 2.75 m" in height["reason"]


def test_another_table_needs_no_measuring_again(
    cohort: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal keeps what was measured, not what was joined."""
    measured(cohort, table, tmp_path / "f.csv")
    asked: list[str] = []
    monkeypatch.setattr("lucidray.lab.features.run.run_each", recording(asked))
    table.write_text(TABLE.replace("63,F", "64,F"))
    assert measured(cohort, table, tmp_path / "f.csv")[0]["clinical_age_121033"] == "64.0"
    assert asked == ["three"], "the one that failed"


def test_the_command_names_what_it_leaves_out(cohort: Path, table: Path, tmp_path: Path) -> None:
    arguments = ["features", str(cohort), "-p", "pet-suv", "-o", str(tmp_path / "f.csv"), "--clinical", str(table)]
    assert "clinical columns without a code, left out: grade" in CliRunner().invoke(app, arguments).stdout


def test_subjects_without_a_line_are_named_before_anything_is_measured(
    cohort: Path, table: Path, tmp_path: Path
) -> None:
    table.write_text("subject,age\none,63\n")
    with pytest.raises(Permanent, match="has no line for two, three; add the line"):
        measured(cohort, table, tmp_path / "f.csv")
    assert not (tmp_path / "f.csv.journal").exists()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("subject,age\none,63\ntwo,47\none,64\n", "line 4: one is in line 2 already"),
        ("subject,age\n,63\n", "line 2: it names no subject"),
        ("subject,grade\none,high\n", "no column for a variable"),
        ("name,age\none,63\n", "no column for the subject"),
        ("", "no column for the subject"),
        ("subject,age\none,aged\n", "line 2: column 'age' holds no number"),
        ("subject,age\none,inf\n", "line 2: column 'age' holds no number"),
        ("subject,sex\none,woman\n", "line 2: column 'sex' holds something else than F, M or O"),
        ("subject,age,Age\none,63,64\n", "two of its columns are of the same variable"),
        ("subject,age,years [SCT 397669002 a]\none,63,64\n", "two of its columns are of the same variable"),
        ("subject,age,age\none,63,64\n", "two of its columns are of the same variable"),
    ],
)
def test_faults_of_a_table_are_named(tmp_path: Path, text: str, cause: str) -> None:
    path = tmp_path / "clinical.csv"
    path.write_text(text)
    with pytest.raises(Permanent, match=cause) as failure:
        read_clinical(path)
    assert not any(quoted in str(failure.value) for quoted in ("aged", "woman", "63"))


def test_a_table_is_for_cohorts(table: Path, forms: Forms) -> None:
    arguments = Request(
        None, [str(forms.images["NIfTI"])], forms.masks["NIfTI"], "", "pet-suv", None, 1, False, False, table
    )
    with pytest.raises(Permanent, match="it is for cohorts"):
        run(arguments, Console(quiet=True))


@pytest.mark.data
def test_the_sarcoma_cohort() -> None:
    """A real table, as it came: a column patient_id, ages as 59.0, sexes in words, and much without a code."""
    path = Path(os.environ.get("LUCIDRAY_DATA", "../shared/data")) / "sts_cohort" / "clinical.csv"
    if not path.is_file():
        pytest.skip("needs the soft-tissue-sarcoma cohort: set LUCIDRAY_DATA")
    found = read_clinical(path)
    assert found.inputs == [INPUTS["age"], INPUTS["sex"]]
    assert len(found.subjects) == 51 and "outcome" in found.left_out
    assert all({each.concept for each in variables} == {AGE, SEX} for variables in found.subjects.values())


@pytest.mark.data
@pytest.mark.parametrize("patient", ["STS_002", "STS_006"])
def test_headers_and_table_of_a_real_patient_agree(patient: str) -> None:
    """Of three series the PET alone says the age; all say the sex."""
    folder = Path(os.environ.get("LUCIDRAY_DATA", "../shared/data")) / "sts_cohort"
    if not folder.is_dir():
        pytest.skip("needs the soft-tissue-sarcoma cohort: set LUCIDRAY_DATA")
    series = {}
    for role in ("CT", "MR_T1", "PET"):
        files = sorted((folder / "dicom" / patient / role / "image").glob("*.dcm"))
        with tolerant():
            slices = [dcmread(file, stop_before_pixels=True) for file in files]
            series[role] = said_of_patient(slices)
    by_headers = {each.concept: each.value for each in clinical_variables(series).variables}
    by_table = {each.concept: each.value for each in read_clinical(folder / "clinical.csv").subjects[patient]}
    assert by_table.items() <= by_headers.items()
    assert by_headers[WEIGHT] is not None
