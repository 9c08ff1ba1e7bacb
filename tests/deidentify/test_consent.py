from pathlib import Path

import pytest
from tests.deidentify.objects import CASE, SITE_KEY, ct_slice, open_vault, part10, run

from lucidray.contracts.catalogue import RESULTS
from lucidray.contracts.parameters import ReidentifyParameters
from lucidray.core.errors import Refused, Transient
from lucidray.deidentify.accesslog import accesses
from lucidray.deidentify.consent import EVERY_WORKFLOW, Register
from lucidray.deidentify.reidentify import Reidentify
from lucidray.deidentify.vault import RowKey
from lucidray.deidentify.vaulttables import OPT_OUTS
from lucidray.runtime.step import Artifact, GivenInputs

FILES = {"CT": [part10(ct_slice())]}
PATIENT = SITE_KEY.patient("4711-0815", "HOSP")


@pytest.mark.parametrize("workflow", [CASE.workflow, EVERY_WORKFLOW])
@pytest.mark.parametrize("patient_key", [PATIENT, SITE_KEY.patient("4711-0815"), CASE.patient_key])
def test_who_opted_out_is_refused_and_the_refusal_recorded(tmp_path: Path, workflow: str, patient_key: str) -> None:
    vault = open_vault(tmp_path)
    assert Register(vault).opt_out(patient_key, workflow)
    with pytest.raises(Refused, match="opted out") as refusal:
        run(vault, FILES)
    assert "4711" not in str(refusal.value)
    with vault.begin() as connection:
        assert [(each.action, each.outcome) for each in accesses(connection, CASE.case_id)] == [("refuse", "opted out")]
    with pytest.raises(Refused, match="holds nothing"):
        vault.read(RowKey(CASE.case_id, CASE.study_key, CASE.patient_key))


def test_another_workflow_and_another_patient_go_on(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    Register(vault).opt_out(PATIENT, "another workflow")
    Register(vault).opt_out(SITE_KEY.patient("4711-0816", "HOSP"))
    assert run(vault, FILES)
    with vault.begin() as connection:
        assert [(each.action, each.outcome) for each in accesses(connection, CASE.case_id)] == [
            ("pass", "not opted out"),
            ("write", "written"),
        ]


def test_a_patient_may_change_their_mind(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    entries = Register(vault)
    assert (entries.opt_out(PATIENT), entries.opt_out(PATIENT)) == (True, False)
    assert [(each.patient_key, each.workflow) for each in entries.entries()] == [(PATIENT, "*")]
    assert (entries.opt_in(PATIENT), entries.opt_in(PATIENT), entries.entries()) == (True, False, [])
    with vault.begin() as connection:
        assert [each.outcome for each in accesses(connection, "opt-outs")] == ["1 entries", "0 entries"]
    assert run(vault, FILES)


def test_results_of_a_patient_who_opted_out_meanwhile_do_not_leave(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    [made] = run(vault, FILES)["CT"]
    Register(vault).opt_out(PATIENT)
    with pytest.raises(Refused, match="opted out"):
        Reidentify(SITE_KEY, vault).run(CASE, GivenInputs([Artifact(RESULTS, [made], "SEG")]), ReidentifyParameters())


def test_nothing_leaves_when_the_register_cannot_be_asked(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    with vault.begin() as connection:
        OPT_OUTS.drop(connection)
    with pytest.raises(Transient, match="does not answer"):
        run(vault, FILES)
