"""The commands, on a vault in which one case lies."""

import json
from pathlib import Path

import pytest
from tests.deidentify.objects import CASE, OTHER_KEY, VAULT_KEY, ct_slice, part10
from typer.testing import CliRunner

from lucidray.contracts.catalogue import STUDY
from lucidray.contracts.parameters import DeidentifyParameters
from lucidray.core.database import open_database
from lucidray.core.errors import Permanent, Refused
from lucidray.core.identity import write_site_key
from lucidray.core.settings import CoreSettings, forget_file
from lucidray.deidentify.opened import open_vault
from lucidray.deidentify.step import build
from lucidray.deidentify.vault import RowKey
from lucidray.dispatch import tables as dispatch
from lucidray.launcher.main import app
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs
from lucidray.store import open_store
from lucidray.v1.case_pb2 import Zone


@pytest.fixture(autouse=True)
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CaseFacts:
    """A case of the patient, de-identified by the step as it is built by the settings."""
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("LUCIDRAY_CONFIG", raising=False)
    forget_file()
    (tmp_path / "secrets").mkdir()
    write_site_key(tmp_path / "secrets" / "site.key")
    set_keys(tmp_path, VAULT_KEY)
    patient_key = CoreSettings.load().site_key().patient("4711-0815", "HOSP")
    case = CaseFacts(CASE.case_id, CASE.study_key, 1, patient_key, "petct")
    process(case)
    return case


def set_keys(folder: Path, *keys: bytes) -> None:
    path = folder / "secrets" / "vault.key"
    path.write_text("\n".join(key.hex() for key in keys))
    path.chmod(0o600)


def process(case: CaseFacts) -> None:
    build().run(case, GivenInputs([Artifact(STUDY, [part10(ct_slice())], "CT")]), DeidentifyParameters())


def lucidray(*arguments: str, given: str | None = None, status: int = 0) -> str:
    result = CliRunner().invoke(app, arguments, input=given)
    if isinstance(result.exception, Permanent):
        raise result.exception
    assert result.exit_code == status, result.output
    assert "4711" not in result.output
    return result.output


def read(case: CaseFacts) -> None:
    open_vault("tester").read(RowKey(case.case_id, case.study_key, case.patient_key))


def test_rotate(tmp_path: Path, case: CaseFacts) -> None:
    set_keys(tmp_path, OTHER_KEY, VAULT_KEY)
    said = lucidray("vault", "rotate")
    assert "2 rows are now under key" in said and "may leave the key file" in said
    set_keys(tmp_path, OTHER_KEY)
    read(case)
    process(case)


def test_audit_lists_every_look(case: CaseFacts) -> None:
    read(case)
    said = lucidray("vault", "audit", CASE.case_id)
    assert [word for word in ("deidentify", "tester", "written", "opened") if word not in said] == []
    assert "pin" in lucidray("vault", "audit") and "pin" not in said


def test_consent(case: CaseFacts) -> None:
    lucidray("consent", "opt-out", "4711-0815", "--issuer", "HOSP", "--workflow", "petct")
    assert case.patient_key in lucidray("consent", "list")
    with pytest.raises(Refused, match="opted out"):
        process(case)
    assert "again" in lucidray("consent", "opt-in", "--issuer", "HOSP", "--workflow", "petct", given="4711-0815\n")
    process(case)
    lucidray("consent", "opt-in", "4711-0815", "--issuer", "HOSP", status=1)


def test_erase(tmp_path: Path, case: CaseFacts) -> None:
    store = open_store(Zone.ZONE_CLINICAL)
    store.put_new(f"intake/{case.study_key}/d", b"raw")
    with open_database(tmp_path, "dispatch", dispatch.metadata).begin() as connection:
        values = {
            "study_key": case.study_key,
            "object_key": "o",
            "size": 1,
            "conflicting": False,
            "header": "{}",
            "number": 1,
        }
        connection.execute(dispatch.instance.insert().values(instance_key="i", byte_digest="d", **values))
    arguments = ("erase", "patient", "4711-0815", "--issuer", "HOSP")
    lucidray(*arguments, given="n\n", status=1)
    read(case)
    said = lucidray(*arguments, "--yes")
    receipt = json.loads(said[said.index("{") :])
    assert receipt["erased"] == {"vault": 2, "clinical objects": 1, "analysis objects": 0, "dispatch rows": 1}
    assert receipt["not_reached"] == ["gateway"]
    assert json.loads(lucidray("erase", "receipts")) == receipt
    assert not store.exists(f"intake/{case.study_key}/d")
    with pytest.raises(Refused, match="holds nothing"):
        read(case)
    with pytest.raises(Permanent, match="holds nothing of them"):
        lucidray("erase", "patient", "4711-0815")
