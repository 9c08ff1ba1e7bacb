import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.deidentify.objects import OTHER_KEY, VAULT_KEY

from lucidray.core.errors import Permanent
from lucidray.core.identity import write_site_key
from lucidray.core.settings import forget_file
from lucidray.deidentify.keyfile import read_secrets, weakness
from lucidray.deidentify.opened import open_keyring, open_vault, vault_keys

REMEDY = "make one"


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("secret", "cause"),
    [
        (VAULT_KEY[:31], "248 bits"),
        (bytes(32), "pattern"),
        (bytes(range(32)), "pattern"),
        (bytes(range(0, 96, 3)), "pattern"),
        (VAULT_KEY[:8] * 4, "pattern"),
        (b"correct horse battery staple 2026!", "typed"),
    ],
)
def test_weak_keys_are_told_from_random_ones(secret: bytes, cause: str) -> None:
    assert cause in weakness(secret)


def test_random_keys_are_not_called_weak() -> None:
    assert [key for key in (os.urandom(32) for _ in range(20_000)) if weakness(key)] == []


def test_a_key_file_holds_its_keys(tmp_path: Path) -> None:
    path = write(tmp_path / "key", f"{VAULT_KEY.hex()}\n{OTHER_KEY.hex()}\n")
    assert read_secrets(path, REMEDY) == [VAULT_KEY, OTHER_KEY]
    write_site_key(tmp_path / "made")
    assert len(read_secrets(tmp_path / "made", REMEDY)) == 1


@pytest.mark.parametrize(
    ("text", "mode", "cause"),
    [
        ("xyz", 0o600, "hexadecimal"),
        ("ü", 0o600, "hexadecimal"),
        ("00" * 32, 0o600, "key 1: it is a pattern"),
        (VAULT_KEY.hex() + " " + VAULT_KEY[:16].hex(), 0o600, "key 2: it has 128 bits"),
        (VAULT_KEY.hex(), 0o644, "mode 0644"),
        (VAULT_KEY.hex(), 0o660, "mode 0660"),
    ],
)
def test_a_key_file_that_is_no_secret_is_refused(tmp_path: Path, text: str, mode: int, cause: str) -> None:
    with pytest.raises(Permanent, match=cause):
        read_secrets(write(tmp_path / "key", text, mode), REMEDY)


def test_the_mode_of_a_mounted_kubernetes_secret_will_do(tmp_path: Path) -> None:
    assert read_secrets(write(tmp_path / "key", VAULT_KEY.hex(), 0o440), REMEDY) == [VAULT_KEY]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    monkeypatch.delenv("LUCIDRAY_CONFIG", raising=False)
    forget_file()
    (tmp_path / "secrets").mkdir()
    return tmp_path


def test_the_vault_does_not_open_without_a_strong_key(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Permanent, match="cannot be read"):
        open_vault("tester")
    path = write(data / "secrets" / "vault.key", "")
    with pytest.raises(Permanent, match="there is none"):
        open_vault("tester")
    write(path, "a1" * 32)
    with pytest.raises(Permanent, match="pattern"):
        open_vault("tester")
    assert not (data / "vault.db").exists()
    write(path, VAULT_KEY.hex())
    open_vault("tester")
    assert (data / "vault.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("arguments", [["lucidray.deidentify"], ["lucidray.launcher.main", "run", "control"]])
def test_nothing_starts_with_another_key_than_the_vaults(data: Path, arguments: list[str]) -> None:
    write_site_key(data / "secrets" / "site.key")
    path = write(data / "secrets" / "vault.key", VAULT_KEY.hex())
    vault = open_vault("tester")
    vault.pin("patient", 1)
    write(path, f"{OTHER_KEY.hex()}\n{VAULT_KEY.hex()}")
    open_vault("tester")  # as in a rotation
    write(path, OTHER_KEY.hex())
    with pytest.raises(Permanent, match=r"vault key \w+: .*not in the key file; .*deidentify.vault_key_file"):
        open_vault("tester")
    run = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=60)
    said = run.stdout + run.stderr
    assert run.returncode == 1 and "not in the key file" in said and "Traceback" not in said, said


@pytest.mark.parametrize("module", ["lucidray.deidentify", "lucidray.launcher.main"])
def test_no_service_starts_without_a_strong_key(data: Path, module: str) -> None:
    write_site_key(data / "secrets" / "site.key")
    write(data / "secrets" / "vault.key", "a1" * 32)
    arguments = ["run", "control"] if module.endswith("main") else []
    run = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, timeout=60)
    said = run.stdout + run.stderr
    assert run.returncode == 1 and "pattern" in said and "lucidray key new" in said, said


def test_the_keys_may_come_by_the_environment(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCIDRAY_DEIDENTIFY__VAULT_KEYS", f"{VAULT_KEY.hex()}\n{OTHER_KEY.hex()}")
    sealed = vault_keys().seal(b"content", b"bound")
    assert vault_keys().open(sealed, b"bound") == b"content"
    monkeypatch.setenv("LUCIDRAY_DEIDENTIFY__VAULT_KEYS", "a1" * 32)
    with pytest.raises(Permanent, match="deidentify.vault_keys, key 1"):
        open_vault("tester")


def test_later_pseudonym_keys_are_added_and_never_taken_away(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_site_key(data / "secrets" / "site.key")
    first = open_keyring()
    assert first.newest == 1
    later = write(data / "secrets" / "pseudonym.keys", VAULT_KEY.hex())
    monkeypatch.setenv("LUCIDRAY_DEIDENTIFY__PSEUDONYM_KEY_FILE", str(later))
    second = open_keyring()
    assert second.newest == 2
    assert second.version(1).uid("1.2.3") == first.version(1).uid("1.2.3") != second.version(2).uid("1.2.3")
    with pytest.raises(Permanent, match="put its line back"):
        first.version(2)
