"""SEG, SR, parametric map and presentation states made on de-identified slices come back into the original study:
every reference is counted, over re-sends, replicas in processes of their own, and rotated keys."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from tests.deidentify import replica
from tests.deidentify.objects import OTHER_KEY, VAULT_KEY, ct_slice, parse, part10
from tests.deidentify.replica import write
from tests.deidentify.results import all_results

from lucidray.core.identity import write_site_key
from lucidray.core.settings import forget_file
from lucidray.deidentify.opened import open_vault, vault_keys
from lucidray.deidentify.rotation import rotate

ROOT = Path(__file__).parents[2]
KINDS = ["BLENDING", "GSPS", "PM", "SEG", "SR"]
OWN = ("SOPInstanceUID", "SeriesInstanceUID")
# What refers to objects, series, studies and frames of reference, by keyword.
REFERENCES = (
    "ReferencedSOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "ReferencedFrameOfReferenceUID",
    "VolumeFrameOfReferenceUID",
)


def make_site(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment: its keys and its database in a folder. From now on it is this process's, and its children's."""
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(folder))
    monkeypatch.delenv("LUCIDRAY_CONFIG", raising=False)
    forget_file()
    (folder / "secrets").mkdir(parents=True)
    write_site_key(folder / "secrets" / "site.key")
    write_keys(folder / "secrets" / "vault.key", VAULT_KEY)


def write_keys(path: Path, *keys: bytes) -> Path:
    path.write_text("\n".join(key.hex() for key in keys))
    path.chmod(0o600)
    return path


def start(name: str, case_id: str, given: Path, out: Path) -> "subprocess.Popen[str]":
    """A replica in a process of its own."""
    command = [sys.executable, "-m", "tests.deidentify.replica", name, case_id, str(given), str(out)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def finish(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said


def originals() -> list[Dataset]:
    return [parse(part10(ct_slice(number), ExplicitVRLittleEndian)) for number in (1, 2, 3)]


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.dcm"))}


def analyse(slices: Path, out: Path) -> None:
    """What the analysis zone does: results about the slices of a folder."""
    parsed = [parse(data) for data in files(slices).values()]
    for role, dataset in all_results(parsed).items():
        write(out / role, [part10(dataset, ExplicitVRLittleEndian)])


def unresolved(results: Iterable[Dataset], study: list[Dataset]) -> tuple[int, list[str]]:
    """Number of references in the results, and those that resolve neither in the study nor among the results."""
    results = list(results)
    there = {str(getattr(each, keyword)) for each in study for keyword in (*OWN, "StudyInstanceUID")}
    there |= {str(each.FrameOfReferenceUID) for each in study}
    there |= {str(getattr(each, keyword)) for each in results for keyword in OWN}
    found = [
        (f"{each.Modality} {element.keyword}", str(element.value))
        for each in results
        for element in each.iterall()
        if element.keyword in REFERENCES and element.value
    ]
    return len(found), [name for name, value in found if value not in there]


def check(folder: Path) -> int:
    """Whether every kind of result is back and everything in it resolves; how many references there are."""
    back = {name.split("/")[0]: parse(data) for name, data in files(folder).items()}
    assert sorted(back) == KINDS
    for dataset in back.values():
        assert (dataset.PatientName, dataset.PatientID) == ("Müller^Jörg", "4711-0815")
        assert (dataset.StudyDate, dataset.AccessionNumber) == ("20200229", "ACC-77-1")
    count, missing = unresolved(back.values(), originals())
    assert missing == []
    return count


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_site(tmp_path / "data", monkeypatch)
    write(tmp_path / "study" / "CT", [part10(each, ExplicitVRLittleEndian) for each in originals()])
    return tmp_path / "study"


def test_the_count_sees_a_reference_that_does_not_resolve() -> None:
    study = originals()
    results = all_results(study).values()
    count, missing = unresolved(results, study)
    assert count > 40 and missing == []
    assert len(unresolved(results, study[:2])[1]) >= 5  # each kind refers to the third slice
    assert len(unresolved(list(results)[1:], study)[1]) >= 1  # the report refers to the segmentation


def test_every_reference_resolves_over_replicas_resends_and_rotated_keys(
    tmp_path: Path, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    # Two replicas take the same case at once; then the study is sent again and becomes another case.
    finish(*(start("deidentify", "c1", study, tmp_path / f"slices{number}") for number in (1, 2)))
    replica.main("deidentify", "c2", study, tmp_path / "slices3")
    first = files(tmp_path / "slices1")
    assert len(first) == 3 and files(tmp_path / "slices2") == first == files(tmp_path / "slices3")
    analyse(tmp_path / "slices1", results)
    finish(start("reidentify", "c1", results, tmp_path / "back-c1"))
    replica.main("reidentify", "c2", results, tmp_path / "back-c2")
    counts = [check(tmp_path / "back-c1"), check(tmp_path / "back-c2")]

    keys = tmp_path / "data" / "secrets" / "vault.key"
    write_keys(keys, OTHER_KEY, VAULT_KEY)
    assert rotate(open_vault("tester"), vault_keys()).old_keys_may_go
    write_keys(keys, OTHER_KEY)
    later = write_keys(tmp_path / "pseudonym.keys", VAULT_KEY)
    monkeypatch.setenv("LUCIDRAY_DEIDENTIFY__PSEUDONYM_KEY_FILE", str(later))
    replica.main("reidentify", "c1", results, tmp_path / "back-rotated")
    replica.main("deidentify", "c3", study, tmp_path / "slices4")
    assert files(tmp_path / "slices4") == first  # the patient stays under version 1
    replica.main("reidentify", "c3", results, tmp_path / "back-c3")
    counts += [check(tmp_path / "back-rotated"), check(tmp_path / "back-c3")]
    assert len(set(counts)) == 1 and counts[0] > 40
    print(f"all of {sum(counts)} references resolve")


def test_a_new_patient_comes_under_the_new_version(
    tmp_path: Path, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica.main("deidentify", "c1", study, tmp_path / "before")
    site_key = (tmp_path / "data" / "secrets" / "site.key").read_bytes()
    make_site(tmp_path / "other", monkeypatch)  # never saw the patient, under the same site key
    (tmp_path / "other" / "secrets" / "site.key").write_bytes(site_key)
    later = write_keys(tmp_path / "pseudonym.keys", VAULT_KEY)
    monkeypatch.setenv("LUCIDRAY_DEIDENTIFY__PSEUDONYM_KEY_FILE", str(later))
    replica.main("deidentify", "c1", study, tmp_path / "after")
    before, after = (parse(files(tmp_path / name)["CT/0000.dcm"]) for name in ("before", "after"))
    assert before.PatientID != after.PatientID and before.SOPInstanceUID != after.SOPInstanceUID
    assert before.StudyInstanceUID != after.StudyInstanceUID
