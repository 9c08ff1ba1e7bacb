import os
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian
from tests.deidentify.objects import CASE, KEYS, SITE_KEY, ct_slice, open_vault, parse, part10, run

from lucidray.core.errors import Permanent, Refused, Transient
from lucidray.core.identity import write_site_key
from lucidray.core.settings import forget_file
from lucidray.deidentify.step import Deidentify, build
from lucidray.deidentify.vault import RowKey

DATA = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[2] / "../shared/data"))
ROW = RowKey(CASE.case_id, CASE.study_key, CASE.patient_key)


def test_roles_and_order_stay_and_the_vault_knows_the_way_back(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    ct = [part10(ct_slice(number)) for number in (3, 1, 2)]
    other = [part10(ct_slice(9, SeriesInstanceUID="1.2.3"), ExplicitVRLittleEndian)]
    out = run(vault, {"CT": ct, "OTHER": other})
    assert {role: len(files) for role, files in out.items()} == {"CT": 3, "OTHER": 1}
    after = [parse(data) for data in out["CT"]]
    assert [dataset.InstanceNumber for dataset in after] == [3, 1, 2]
    record = vault.read(ROW)
    assert record.uids[str(after[0].SOPInstanceUID)] == "1.2.826.0.1.3680043.2.100.3"
    assert record.texts[str(after[0].PatientID)] == "4711-0815"
    assert record.shift_days == KEYS.patient("4711-0815", "HOSP").shift_days


def test_a_second_run_gives_the_same(tmp_path: Path) -> None:
    vault, ct = open_vault(tmp_path), [part10(ct_slice())]
    first = run(vault, {"CT": ct})
    record = vault.read(ROW)
    assert run(vault, {"CT": ct}) == first == run(open_vault(tmp_path / "replica"), {"CT": ct})
    assert vault.read(ROW) == record


def test_two_patients_are_not_made_one(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    for changes in ({"PatientID": "1"}, {"IssuerOfPatientID": "X"}, {"StudyInstanceUID": "1.2.3"}):
        with pytest.raises(Permanent, match="another patient or study") as failure:
            run(vault, {"CT": [part10(ct_slice(1)), part10(ct_slice(2, **changes))]})
        assert SITE_KEY.instance("1.2.826.0.1.3680043.2.100.2") in str(failure.value)
        assert "4711" not in str(failure.value)
    with pytest.raises(Refused):
        vault.read(ROW)
    run(vault, {"CT": [part10(ct_slice(1))], "RTSTRUCT": [part10(ct_slice(2, IssuerOfPatientID=None))]})


def test_an_unreadable_object_is_named_without_telling(tmp_path: Path) -> None:
    whole = part10(ct_slice())
    for data in (b"4711-0815 is no DICOM file", whole[:700], whole[:140], whole[:-2]):
        with pytest.raises(Permanent, match="cannot be read as DICOM") as failure:
            run(open_vault(tmp_path), {"CT": [whole, data]})
        assert "role 'CT'" in str(failure.value) and "4711" not in str(failure.value)


def test_a_screen_save_is_refused(tmp_path: Path) -> None:
    save = part10(ct_slice(ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"]))
    with pytest.raises(Refused, match=SITE_KEY.instance("1.2.826.0.1.3680043.2.100.1")):
        run(open_vault(tmp_path), {"CT": [save]})


def test_nothing_is_given_when_the_vault_does_not_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = open_vault(tmp_path)

    def fail(*_: object) -> None:
        raise Transient("vault", "its database does not answer", "see that it runs")

    monkeypatch.setattr(vault, "write", fail)
    with pytest.raises(Transient):
        run(vault, {"CT": [part10(ct_slice())]})


def test_profile_and_primary_role_are_parameters(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    files = {"CT": [part10(ct_slice(1))], "PET": [part10(ct_slice(2, AccessionNumber="ACC-PET"))]}
    run(vault, files)
    assert b"ACC-77-1" in vault.read(ROW).module_bytes()
    out = run(vault, files, parameters={"primary": "PET", "profile": "basic"})
    assert b"ACC-PET" in vault.read(ROW).module_bytes()
    assert vault.read(ROW).shift_days == 0
    assert "PatientWeight" not in parse(out["CT"][0])
    with pytest.raises(Permanent, match="profile 'secret'"):
        run(vault, files, parameters={"profile": "secret"})
    with pytest.raises(Permanent, match="role 'MR'"):
        run(vault, files, parameters={"primary": "MR"})


def test_a_study_without_patient_id_is_a_patient_of_its_own(tmp_path: Path) -> None:
    changes: list[dict[str, str]] = [{"PatientID": "", "StudyInstanceUID": uid} for uid in ("1.2.3", "1.2.4")]
    outs = [run(open_vault(tmp_path), {"CT": [part10(ct_slice(1, **change))]}) for change in changes]
    first, second = (parse(out["CT"][0]) for out in outs)
    assert first.PatientID != second.PatientID


def test_build_reads_the_settings_and_wants_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    monkeypatch.delenv("LUCIDRAY_CONFIG", raising=False)
    forget_file()
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    write_site_key(secrets / "site.key")
    with pytest.raises(Permanent, match="cannot be read"):
        build()
    write_site_key(secrets / "vault.key")
    assert isinstance(build(), Deidentify)
    assert (tmp_path / "vault.db").exists()


@pytest.mark.data
def test_contours_of_a_real_structure_set_stay(tmp_path: Path) -> None:
    folder = DATA / "sts_cohort" / "dicom" / "STS_006" / "CT"
    if not folder.exists():
        pytest.skip("needs sts_cohort of LUCIDRAY_DATA")
    files = {
        "CT": [sorted((folder / "image").glob("*.dcm"))[0].read_bytes()],
        "RTSTRUCT": [path.read_bytes() for path in (folder / "mask").glob("*.dcm")],
    }
    before, after = parse(files["RTSTRUCT"][0]), parse(run(open_vault(tmp_path), files)["RTSTRUCT"][0])
    assert [roi.ROIName for roi in after.StructureSetROISequence] == ["GTV_Mass_CT"]
    assert [roi.ROINumber for roi in after.StructureSetROISequence] == [
        roi.ROINumber for roi in before.StructureSetROISequence
    ]
    contours = [
        [contour.get_item("ContourData").value for contour in dataset.ROIContourSequence[0].ContourSequence]
        for dataset in (before, after)
    ]
    assert len(contours[0]) > 10 and contours[1] == contours[0]
    references = [
        [
            contour.ContourImageSequence[0].ReferencedSOPInstanceUID
            for contour in dataset.ROIContourSequence[0].ContourSequence
        ]
        for dataset in (before, after)
    ]
    assert [KEYS.uid(uid) for uid in references[0]] == references[1]
    frame = after.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID
    assert frame == KEYS.uid(str(before.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID))


def test_a_patient_of_whom_there_are_cases_is_known_under_the_key_of_the_cases_too(tmp_path: Path) -> None:
    """Dispatch may have met an object without an issuer, and the step one with it."""
    vault = open_vault(tmp_path)
    run(vault, {"CT": [part10(ct_slice())]})
    assert [vault.pin(key, 2) for key in (CASE.patient_key, SITE_KEY.patient("4711-0815", "HOSP"))] == [1, 1]
