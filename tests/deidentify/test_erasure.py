from pathlib import Path

import pytest
from tests.deidentify.objects import CASE, ct_slice, open_vault, part10, run

from lucidray.core.errors import Refused, Transient
from lucidray.deidentify.accesslog import accesses
from lucidray.deidentify.erasure import Receipt, erase_artifacts, erase_rows, receipts, scope_of
from lucidray.deidentify.vault import RowKey, Vault
from lucidray.runtime.step import CaseFacts
from lucidray.store.cases import CaseStore
from lucidray.store.folder import FolderStore

OTHER = CaseFacts("c02", "study 2", 1, "another", "workflow")


def fill(vault: Vault, stores: dict[str, CaseStore]) -> None:
    run(vault, {"CT": [part10(ct_slice())]})
    run(vault, {"CT": [part10(ct_slice(PatientID="1", StudyInstanceUID="1.2.9"))]}, OTHER)
    for store in stores.values():
        for case_id in (CASE.case_id, OTHER.case_id):
            store.put_blob(case_id, "a", "b", case_id.encode())
            store.objects.put_new(f"cases/{case_id}/steps/k", b"manifest")
    stores["clinical"].objects.put_new("intake/study/d1", b"raw")
    stores["clinical"].objects.put_new("intake/other/d1", b"raw")


@pytest.fixture
def stores(tmp_path: Path) -> dict[str, CaseStore]:
    return {name: CaseStore(FolderStore(tmp_path / name)) for name in ("clinical", "analysis")}


def erase(vault: Vault, stores: dict[str, CaseStore], patient_key: str) -> Receipt:
    scope = scope_of(vault, patient_key)
    return erase_rows(vault, patient_key, scope, erase_artifacts(scope, stores))


def test_everything_of_the_patient_goes_and_nothing_of_another(tmp_path: Path, stores: dict[str, CaseStore]) -> None:
    vault = open_vault(tmp_path)
    fill(vault, stores)
    receipt = erase(vault, stores, CASE.patient_key)
    assert (receipt.cases, receipt.studies) == ([CASE.case_id], [CASE.study_key])
    assert receipt.erased == {"vault": 2, "clinical": 3, "analysis": 2}
    with pytest.raises(Refused, match="holds nothing"):
        vault.read(RowKey(CASE.case_id, CASE.study_key, CASE.patient_key))
    assert vault.read(RowKey(OTHER.case_id, OTHER.study_key, OTHER.patient_key))
    for store in stores.values():
        assert list(store.objects.keys(f"cases/{CASE.case_id}/")) == [f"cases/{CASE.case_id}/markers/cancelled"]
        assert len(list(store.objects.keys(f"cases/{OTHER.case_id}/"))) == 2
    assert list(stores["clinical"].objects.keys("intake/")) == ["intake/other/d1"]


def test_a_look_that_erases_nothing_is_recorded_too(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    scope_of(vault, "patient")
    with vault.begin() as connection:
        assert [(each.action, each.outcome) for each in accesses(connection, "patient")] == [("find", "0 cases")]


def test_the_receipt_is_kept_and_names_nobody(tmp_path: Path, stores: dict[str, CaseStore]) -> None:
    vault = open_vault(tmp_path)
    fill(vault, stores)
    receipt = erase(vault, stores, CASE.patient_key)
    assert receipts(vault) == [receipt]
    with vault.begin() as connection:
        found = accesses(connection, CASE.patient_key)
        [listed] = accesses(connection, "receipts")
    assert [(each.actor, each.action, each.outcome) for each in found] == [
        ("tester", "pin", "version 1"),
        ("tester", "find", "1 cases"),
        ("tester", "erase", f"receipt {receipt.receipt_id}"),
    ]
    assert (listed.action, listed.outcome) == ("list", "1 receipts")
    assert not [word for word in ("4711", "0815", "ller", "HOSP") if word in receipt.model_dump_json()]


def test_what_a_late_step_left_goes_the_second_time(tmp_path: Path, stores: dict[str, CaseStore]) -> None:
    vault = open_vault(tmp_path)
    fill(vault, stores)
    erase(vault, stores, CASE.patient_key)
    stores["analysis"].put_blob(CASE.case_id, "late", "b", b"late")
    assert erase(vault, stores, CASE.patient_key).erased == {"vault": 0, "clinical": 0, "analysis": 1}


def test_an_interrupted_erasure_finds_everything_again(
    tmp_path: Path, stores: dict[str, CaseStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = open_vault(tmp_path)
    fill(vault, stores)

    def fail(_: str) -> int:
        raise Transient("store", "it is full", "wait")

    with monkeypatch.context() as patched:
        patched.setattr(stores["analysis"].objects, "delete_prefix", fail)
        with pytest.raises(Transient):
            erase(vault, stores, CASE.patient_key)
    assert scope_of(vault, CASE.patient_key).cases == [CASE.case_id]
    assert erase(vault, stores, CASE.patient_key).erased["analysis"] == 2
