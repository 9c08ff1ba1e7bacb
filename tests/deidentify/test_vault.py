from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, update
from tests.deidentify.objects import OTHER_KEY, VAULT_KEY, open_vault

from lucidray.core.clock import ManualClock
from lucidray.core.errors import Permanent, Refused, Transient
from lucidray.deidentify.accesslog import accesses as recorded
from lucidray.deidentify.seal import VaultKeys
from lucidray.deidentify.vault import RowKey, Vault, VaultRecord
from lucidray.deidentify.vaulttables import PATIENTS, RECORDS

ROW = RowKey("c01", "study", "patient")
RECORD = VaultRecord.of({"2.25.1": "1.2.3.4711"}, {"P1": "4711-0815"}, 77, b"modules")


def accesses(folder: Path) -> list[tuple[str, str, str]]:
    with create_engine(f"sqlite:///{folder / 'vault.db'}").connect() as connection:
        return [(each.subject, each.action, each.outcome) for each in recorded(connection)]


def test_a_record_comes_back_and_every_look_up_is_recorded(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    vault.write(ROW, RECORD)
    vault.write(ROW, RECORD)
    assert open_vault(tmp_path).read(ROW) == RECORD
    with pytest.raises(Refused, match="holds nothing"):
        vault.read(RowKey("c02", "study", "patient"))
    assert accesses(tmp_path) == [
        ("c01", "write", "written"),
        ("c01", "write", "unchanged"),
        ("c01", "read", "opened"),
        ("c02", "read", "failed"),
    ]
    assert RECORD.module_bytes() == b"modules"


def test_a_later_record_takes_the_place_of_the_former(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    vault.write(ROW, RECORD)
    later = RECORD.model_copy(update={"shift_days": 78})
    vault.write(ROW, later)
    assert vault.read(ROW) == later


def test_a_record_may_be_joined_to_the_former(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    later = VaultRecord.of({"2.25.2": "1.2.3.4712"}, {"P2": "4711"}, 77, b"corrected modules")
    vault.write(ROW, RECORD, join=True)
    vault.write(ROW, later, join=True)
    joined = vault.read(ROW)
    assert joined.uids == {"2.25.1": "1.2.3.4711", "2.25.2": "1.2.3.4712"}
    assert joined.texts == {"P1": "4711-0815", "P2": "4711"} and joined.module_bytes() == b"corrected modules"
    with pytest.raises(Refused, match="dates were treated differently"):
        vault.write(ROW, RECORD.model_copy(update={"shift_days": 0}), join=True)
    assert accesses(tmp_path)[-1] == ("c01", "write", "failed")
    assert vault.read(ROW) == joined


def test_nothing_of_a_record_can_be_read_in_the_file(tmp_path: Path) -> None:
    open_vault(tmp_path).write(ROW, RECORD)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"c01" in content  # the search sees what is there
    assert not [word for word in (b"4711", b"2.25.1", b"modules", b"bW9kdWxlcw") if word in content]


@pytest.mark.parametrize("column", ["body", "row_key", "key_id", "study_key", "patient_key"])
def test_a_tampered_row_is_seen(tmp_path: Path, column: str) -> None:
    vault = open_vault(tmp_path)
    vault.write(ROW, RECORD)
    row = ROW
    with create_engine(f"sqlite:///{tmp_path / 'vault.db'}").begin() as connection:
        value = connection.execute(select(RECORDS.c[column])).scalar_one()
        changed = value[:-1] + (b"!" if isinstance(value, bytes) else "!")
        connection.execute(update(RECORDS).values({column: changed}))
    if column.endswith("_key") and column != "row_key":
        row = RowKey(ROW.case_id, **{"study_key": "study", "patient_key": "patient"} | {column: changed})
    with pytest.raises(Permanent):
        vault.read(row)
    with pytest.raises(Permanent):
        vault.write(row, RECORD)
    assert accesses(tmp_path)[-2:] == [("c01", "read", "failed"), ("c01", "write", "failed")]


def test_a_row_put_in_anothers_place_is_seen(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    vault.write(ROW, RECORD)
    with create_engine(f"sqlite:///{tmp_path / 'vault.db'}").begin() as connection:
        connection.execute(update(RECORDS).values(case_id="c02"))
    with pytest.raises(Permanent, match="moved from another case"):
        vault.read(RowKey("c02", "study", "patient"))


def test_another_key_does_not_open(tmp_path: Path) -> None:
    open_vault(tmp_path).write(ROW, RECORD)
    with pytest.raises(Permanent, match="not in the key file"):
        open_vault(tmp_path, OTHER_KEY).read(ROW)
    assert open_vault(tmp_path, OTHER_KEY, VAULT_KEY).read(ROW) == RECORD


def test_a_patient_keeps_the_version_under_which_they_were_first_seen(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    assert [vault.pin("patient", newest) for newest in (1, 1, 2, 3)] == [1, 1, 1, 1]
    assert [vault.pin("another", newest) for newest in (2, 3)] == [2, 2]
    assert accesses(tmp_path)[-1] == ("another", "pin", "version 2")
    with create_engine(f"sqlite:///{tmp_path / 'vault.db'}").begin() as connection:
        rows = connection.execute(select(PATIENTS).order_by(PATIENTS.c.patient_key)).all()
        connection.execute(
            update(PATIENTS)
            .where(PATIENTS.c.patient_key == "patient")
            .values(body=rows[0].body, row_key=rows[0].row_key)
        )
    with pytest.raises(Permanent, match="not as it was written"):
        vault.pin("patient", 3)
    assert accesses(tmp_path)[-1] == ("patient", "pin", "failed")


def test_a_patient_whose_row_is_gone_is_not_given_a_new_one(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    vault.pin("patient", 1)
    vault.pin("another", 1)
    vault.write(ROW, RECORD)
    with create_engine(f"sqlite:///{tmp_path / 'vault.db'}").begin() as connection:
        connection.execute(PATIENTS.delete())
    with pytest.raises(Permanent, match="missing, though there are cases"):
        vault.pin("patient", 2)
    assert accesses(tmp_path)[-1] == ("patient", "pin", "failed")
    assert vault.pin("another", 2) == 2  # nothing was made under the former version


def test_a_database_that_does_not_answer_is_transient() -> None:
    vault = Vault(create_engine("sqlite://"), lambda: VaultKeys([VAULT_KEY]), ManualClock(), "tester")  # no tables
    for use in (lambda: vault.write(ROW, RECORD), lambda: vault.read(ROW), lambda: vault.pin("patient", 1)):
        with pytest.raises(Transient, match="does not answer"):
            use()
