from pathlib import Path

import pytest
from sqlalchemy import create_engine, update
from tests.deidentify.objects import OTHER_KEY, VAULT_KEY, open_vault

from lucidray.core.errors import Permanent
from lucidray.deidentify import rotation
from lucidray.deidentify.seal import VaultKeys
from lucidray.deidentify.vault import RowKey, VaultRecord
from lucidray.deidentify.vaulttables import RECORDS

BOTH = VaultKeys([OTHER_KEY, VAULT_KEY])
ROWS = [RowKey(f"c{number:02d}", "study", "patient") for number in range(7)]


def record(row: RowKey) -> VaultRecord:
    return VaultRecord.of({"2.25.1": f"1.2.3.{row.case_id}"}, {}, 7, row.case_id.encode())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(rotation, "BATCH", 3)
    vault = open_vault(tmp_path)
    vault.pin("patient", 1)
    for row in ROWS:
        vault.write(row, record(row))
    return tmp_path


def test_every_row_opens_under_the_new_key_alone(folder: Path) -> None:
    vault, batches = open_vault(folder, OTHER_KEY, VAULT_KEY), list[int]()
    assert rotation.waiting(vault, BOTH) == 8
    result = rotation.rotate(vault, BOTH, batches.append)
    assert (result.rows, result.damaged, result.old_keys_may_go) == (8, 0, True)
    assert batches == [3, 3, 1, 1]
    assert rotation.waiting(vault, BOTH) == 0
    alone = open_vault(folder, OTHER_KEY)
    assert [alone.read(row) for row in ROWS] == [record(row) for row in ROWS]
    assert alone.pin("patient", 2) == 1
    with pytest.raises(Permanent, match="not in the key file"):
        open_vault(folder, VAULT_KEY).read(ROWS[0])


def test_rotating_again_changes_nothing(folder: Path) -> None:
    vault = open_vault(folder, OTHER_KEY, VAULT_KEY)
    rotation.rotate(vault, BOTH)
    assert rotation.rotate(vault, BOTH).rows == 0


def test_an_interrupted_rotation_goes_on(folder: Path) -> None:
    vault = open_vault(folder, OTHER_KEY, VAULT_KEY)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(vault, BOTH, interrupt)
    assert [open_vault(folder, OTHER_KEY, VAULT_KEY).read(row) for row in ROWS] == [record(row) for row in ROWS]
    assert rotation.rotate(vault, BOTH).rows == 5


def test_a_damaged_row_is_counted_and_left(folder: Path) -> None:
    with create_engine(f"sqlite:///{folder / 'vault.db'}").begin() as connection:
        connection.execute(update(RECORDS).where(RECORDS.c.case_id == "c03").values(body=b"x" * 40))
    vault = open_vault(folder, OTHER_KEY, VAULT_KEY)
    result = rotation.rotate(vault, BOTH)
    assert (result.rows, result.damaged, result.old_keys_may_go) == (7, 1, False)
    with pytest.raises(Permanent, match="not as it was written"):
        vault.read(ROWS[3])
