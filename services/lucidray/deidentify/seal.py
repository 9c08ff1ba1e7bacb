"""Sealing: AES-256-GCM (NIST SP 800-38D) with a key of its own for every row.

The row's key lies beside it, itself sealed by the vault key (envelope): vault keys rotate by
sealing the small row keys again. Both seals bind the row's identity, so that no row, and no
row key, can be put in another's place.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lucidray.core.errors import Permanent
from lucidray.core.identity import KEY_BYTES, SiteKey
from lucidray.deidentify.keyfile import weakness

NONCE_BYTES = 12  # as GCM wants it; random, and each row key seals once
REMEDY = "make one with `lucidray key new FILE` and name it in deidentify.vault_key_file; keep a copy in a safe place"


@dataclass(frozen=True)
class Sealed:
    """What lies in a row. `key_id` names the vault key that sealed `row_key`."""

    key_id: str
    row_key: bytes
    body: bytes


class VaultKeys:
    """The vault keys: the first seals, all open.

    Raises
    ------
    Permanent
        There is none, or one is weak.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise Permanent("vault key", "there is none", REMEDY)
        for key in keys:
            if cause := weakness(key):
                raise Permanent("vault key", cause, REMEDY)
        sources = [SiteKey(key) for key in keys]
        self._wrapping = {source.opaque("vault-key")[:16]: source.derive("vault.wrap") for source in sources}
        self.current = next(iter(self._wrapping))

    def __repr__(self) -> str:
        return f"VaultKeys({self.current})"

    def seal(self, content: bytes, bound: bytes) -> Sealed:
        """Seal `content` under a fresh key; `bound` must be the same when it is opened."""
        row_key = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        return Sealed(self.current, self._wrap(row_key, bound), _encrypt(row_key, content, bound))

    def open(self, sealed: Sealed, bound: bytes) -> bytes:
        """The content.

        Raises
        ------
        Permanent
            The vault key is not at hand, or the row is not as it was written.
        """
        row_key = self._unwrap(sealed, bound)
        try:
            return _decrypt(row_key, sealed.body, bound)
        except (InvalidTag, ValueError):
            raise _damaged() from None

    def require(self, key_id: str) -> bytes:
        """The vault key of an id, to seal row keys with.

        Raises
        ------
        Permanent
            It is not at hand.
        """
        wrapping = self._wrapping.get(key_id)
        if wrapping is None:
            raise Permanent(
                f"vault key {key_id}",
                "rows were sealed with it and it is not in the key file",
                "add it there, or name the right file in deidentify.vault_key_file",
            )
        return wrapping

    def rewrap(self, sealed: Sealed, bound: bytes) -> Sealed:
        """The same body, its row key sealed by the current vault key.

        Raises
        ------
        Permanent
            As `open`.
        """
        self.open(sealed, bound)  # a damaged row must not become one that looks whole
        return replace(sealed, key_id=self.current, row_key=self._wrap(self._unwrap(sealed, bound), bound))

    def _wrap(self, row_key: bytes, bound: bytes) -> bytes:
        return _encrypt(self._wrapping[self.current], row_key, bound + self.current.encode())

    def _unwrap(self, sealed: Sealed, bound: bytes) -> bytes:
        wrapping = self.require(sealed.key_id)
        try:
            return _decrypt(wrapping, sealed.row_key, bound + sealed.key_id.encode())
        except (InvalidTag, ValueError):
            raise _damaged() from None


def _damaged() -> Permanent:
    return Permanent(
        "vault row",
        "it is not as it was written: damaged, altered or moved from another case",
        "restore the vault from its backup, then retry the case",
    )


def _encrypt(key: bytes, content: bytes, bound: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound)


def _decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
