"""The vault on PostgreSQL, as in a hospital: a server of its own on a free port."""

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, update
from tests.deidentify.objects import OTHER_KEY, VAULT_KEY

from lucidray.core.clock import SystemClock
from lucidray.core.database import open_database
from lucidray.core.errors import LucidrayError, Permanent, Refused, Transient
from lucidray.deidentify.accesslog import accesses
from lucidray.deidentify.consent import Register, check_consent
from lucidray.deidentify.erasure import erase_rows, receipts, scope_of
from lucidray.deidentify.rotation import rotate
from lucidray.deidentify.seal import VaultKeys
from lucidray.deidentify.vault import RowKey, Vault, VaultRecord
from lucidray.deidentify.vaulttables import METADATA, RECORDS
from lucidray.launcher.ports import free_port

ROW = RowKey("c01", "study", "patient")
RECORD = VaultRecord.of({"2.25.1": "1.2.3.4711"}, {"P1": "4711-0815"}, 77, b"modules")


def server_programs() -> Path | None:
    """Folder of initdb and pg_ctl."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    onpath = shutil.which("pg_ctl")
    return found[-1].parent if found else Path(onpath).parent if onpath else None


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    programs = server_programs()
    if programs is None:
        pytest.skip("needs a PostgreSQL server (Debian: postgresql)")
    with tempfile.TemporaryDirectory(prefix="lucidray-postgres-") as folder:
        yield from serve(programs, Path(folder), free_port())


def serve(programs: Path, folder: Path, port: int) -> Iterator[Engine]:
    """A database of a server in `folder`, which lies where the user postgres gets to."""
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("needs the user postgres, for a PostgreSQL server does not run as root")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = ["runuser", "-u", "postgres", "--"]

    def call(*arguments: str) -> None:
        subprocess.run([*as_user, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    data, control = str(folder / "data"), str(programs / "pg_ctl")
    call(str(programs / "initdb"), "-D", data, "-U", "lucidray", "-A", "trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    call(control, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    url = f"postgresql+psycopg://lucidray@127.0.0.1:{port}/postgres"
    engine = open_database(folder, "vault", METADATA, url)
    yield engine
    engine.dispose()
    call(control, "-D", data, "-m", "immediate", "stop")


def open_vault(engine: Engine, *keys: bytes) -> Vault:
    sealing = VaultKeys(keys or [VAULT_KEY])
    return Vault(engine, lambda: sealing, SystemClock(), "tester")


@pytest.fixture
def vault(engine: Engine) -> Vault:
    opened = open_vault(engine)
    with opened.begin() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(table.delete())
    return opened


def test_records_are_kept_rotated_and_audited(engine: Engine, vault: Vault) -> None:
    vault.write(ROW, RECORD)
    keys = VaultKeys([OTHER_KEY, VAULT_KEY])
    assert rotate(open_vault(engine, OTHER_KEY, VAULT_KEY), keys).rows == 1
    assert open_vault(engine, OTHER_KEY).read(ROW) == RECORD
    with vault.begin() as connection:
        assert [each.action for each in accesses(connection)] == ["write", "rotate", "read"]


def test_a_tampered_row_is_seen(engine: Engine, vault: Vault) -> None:
    vault.write(ROW, RECORD)
    with engine.begin() as connection:
        connection.execute(update(RECORDS).values(study_key="another"))
    with pytest.raises(Permanent, match="not as it was written"):
        vault.read(RowKey("c01", "another", "patient"))


def test_replicas_that_meet_a_patient_at_once_agree(engine: Engine, vault: Vault) -> None:
    versions: list[int] = []

    def meet(newest: int) -> None:
        replica = open_vault(engine)
        for _ in range(5):  # as the worker would, after Transient
            try:
                versions.append(replica.pin("patient", newest))
            except Transient:
                continue
            return

    threads = [threading.Thread(target=meet, args=(1 + number % 2,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(versions) == 6 and len(set(versions)) == 1


def test_opt_outs_and_erasure(vault: Vault) -> None:
    vault.write(ROW, RECORD)
    Register(vault).opt_out("patient")
    with pytest.raises(Refused, match="opted out"):
        check_consent(vault, ["patient"], "workflow", "c01")
    receipt = erase_rows(vault, "patient", scope_of(vault, "patient"), {})
    assert receipt.erased == {"vault": 1} and receipts(vault) == [receipt]
    with pytest.raises(LucidrayError, match="holds nothing"):
        vault.read(ROW)
