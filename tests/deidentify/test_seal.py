from dataclasses import replace

import pytest
from tests.deidentify.objects import OTHER_KEY, VAULT_KEY

from lucidray.core.errors import Permanent
from lucidray.deidentify.seal import VaultKeys

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


def test_a_rewrapped_row_opens_under_the_new_key_alone() -> None:
    sealed = VaultKeys([VAULT_KEY]).seal(CONTENT, BOUND)
    rewrapped = VaultKeys([OTHER_KEY, VAULT_KEY]).rewrap(sealed, BOUND)
    assert rewrapped.body == sealed.body
    assert VaultKeys([OTHER_KEY]).open(rewrapped, BOUND) == CONTENT
    with pytest.raises(Permanent, match="not as it was written"):
        VaultKeys([OTHER_KEY, VAULT_KEY]).rewrap(replace(sealed, body=sealed.body[:-1] + b"!"), BOUND)


@pytest.mark.parametrize("keys", [[], [VAULT_KEY[:31]], [VAULT_KEY, bytes(32)]])
def test_no_keys_and_weak_keys_are_refused(keys: list[bytes]) -> None:
    with pytest.raises(Permanent, match="vault key"):
        VaultKeys(keys)
