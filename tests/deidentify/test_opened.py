"""The vault by this process's settings."""

from pathlib import Path

import pytest

from lucidray.core.identity import write_site_key
from lucidray.deidentify.opened import open_vault


@pytest.mark.parametrize("before", [False, True], ids=["new", "made-by-an-earlier-version"])
def test_no_file_of_the_vault_is_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool) -> None:
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    (tmp_path / "secrets").mkdir()
    write_site_key(tmp_path / "secrets" / "vault.key")
    if before:
        (tmp_path / "vault.db").touch(0o644)
    vault = open_vault("test")
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("vault.db*")}
    assert set(modes) >= {"vault.db", "vault.db-wal", "vault.db-shm"}
    assert set(modes.values()) == {0o600}
    del vault
