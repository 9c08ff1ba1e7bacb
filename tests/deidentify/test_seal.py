from dataclasses import replace
from pathlib import Path

import pytest
from tests.deidentify.objects import VAULT_KEY

from lucidray.core.errors import Permanent
from lucidray.core.identity import write_site_key
from lucidray.deidentify.seal import VaultKeys

OTHER_KEY = bytes(range(200, 232))
CONTENT, BOUND = b"4711 Mueller", b"case 1"


def test_what_is_sealed_opens_again() -> None:
    keys = VaultKeys([VAULT_KEY])
    sealed = keys.seal(CONTENT, BOUND)
    assert keys.open(sealed, BOUND) == CONTENT
    assert CONTENT not in sealed.body + sealed.row_key
    assert keys.seal(CONTENT, BOUND).body != sealed.body


def test_keys_rotate() -> None:
    sealed = VaultKeys([VAULT_KEY]).seal(CONTENT, BOUND)
    rotated = VaultKeys([OTHER_KEY, VAULT_KEY])
    assert rotated.open(sealed, BOUND) == CONTENT
    assert rotated.seal(CONTENT, BOUND).key_id != sealed.key_id
    with pytest.raises(Permanent, match="not in the key file"):
        VaultKeys([OTHER_KEY]).open(sealed, BOUND)


@pytest.mark.parametrize("part", ["body", "row_key"])
@pytest.mark.parametrize("position", [0, 20, -1])
def test_a_changed_byte_is_seen(part: str, position: int) -> None:
    keys = VaultKeys([VAULT_KEY])
    sealed = keys.seal(CONTENT, BOUND)
    changed = bytearray(getattr(sealed, part))
    changed[position] ^= 1
    altered = replace(sealed, body=bytes(changed)) if part == "body" else replace(sealed, row_key=bytes(changed))
    with pytest.raises(Permanent, match="not as it was written"):
        keys.open(altered, BOUND)


def test_a_row_belongs_to_its_case() -> None:
    keys = VaultKeys([VAULT_KEY])
    with pytest.raises(Permanent, match="moved from another case"):
        keys.open(keys.seal(CONTENT, BOUND), b"case 2")


@pytest.mark.parametrize("keys", [[], [b"short"], [bytes(32)], [VAULT_KEY, b"a" * 64]])
def test_weak_keys_are_refused(keys: list[bytes]) -> None:
    with pytest.raises(Permanent, match="vault key"):
        VaultKeys(keys)


def test_keys_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    with pytest.raises(Permanent, match="cannot be read"):
        VaultKeys.load(path)
    path.write_text("")
    with pytest.raises(Permanent, match="there is none"):
        VaultKeys.load(path)
    path.write_text("xyz")
    with pytest.raises(Permanent, match="hexadecimal"):
        VaultKeys.load(path)
    path.unlink()
    write_site_key(path)
    sealed = VaultKeys.load(path).seal(CONTENT, BOUND)
    path.write_text(VAULT_KEY.hex() + "\n" + path.read_text())
    assert VaultKeys.load(path).open(sealed, BOUND) == CONTENT
