"""The vault and the pseudonym keys by this process's settings."""

from contextlib import suppress
from pathlib import Path

from lucidray.core.clock import SystemClock
from lucidray.core.database import open_database
from lucidray.core.errors import Transient
from lucidray.core.identity import SiteKey
from lucidray.core.settings import CoreSettings
from lucidray.deidentify import seal
from lucidray.deidentify.encrypted import read_certificates
from lucidray.deidentify.keyfile import parse_secrets, read_secrets
from lucidray.deidentify.keyring import Keyring
from lucidray.deidentify.settings import DeidentifySettings
from lucidray.deidentify.vault import Vault
from lucidray.deidentify.vaulttables import METADATA


def vault_keys() -> seal.VaultKeys:
    """The vault keys in force.

    Raises
    ------
    Permanent
        There is none, or one is weak or readable by others.
    """
    settings = DeidentifySettings.load()
    if settings.vault_keys is not None:
        return seal.VaultKeys(
            parse_secrets(settings.vault_keys.get_secret_value(), "deidentify.vault_keys", seal.REMEDY)
        )
    path = settings.vault_key_file or CoreSettings.load().data / "secrets" / "vault.key"
    return seal.VaultKeys(read_secrets(path, seal.REMEDY))


def check_keys() -> None:
    """Refuse to start without keys, or with others than the vault's; a case would find out too late.

    Raises
    ------
    Permanent
        A key is missing, weak or another one, or a certificate is none.
    """
    vault_keys()
    with suppress(Transient):  # its database may still be on its way up: cases wait for it
        open_vault("start")
    open_keyring()
    read_certificates(DeidentifySettings.load().encrypt_for)


def open_vault(actor: str) -> Vault:
    """The vault, for one who looks.

    Raises
    ------
    Permanent
        Its key is missing or weak, or is not the one under which its rows are.
    Transient
        Its database does not answer.
    """
    vault_keys()  # refuse at the start, not at the first case
    data, url = CoreSettings.load().data, DeidentifySettings.load().vault_url
    if not url:
        _make_private(data / "vault.db")
    vault = Vault(open_database(data, "vault", METADATA, url), vault_keys, SystemClock(), actor)
    vault.check_keys()
    return vault


def _make_private(file: Path) -> None:
    """Make a database file for our user alone before SQLite does: its journals take over its permissions."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(0o600)
    for each in (file, *(file.with_name(file.name + suffix) for suffix in ("-wal", "-shm"))):
        with suppress(FileNotFoundError):
            each.chmod(0o600)


def open_keyring() -> Keyring:
    """The pseudonym keys.

    Raises
    ------
    Permanent
        The site key or a later one is missing or weak.
    """
    path = DeidentifySettings.load().pseudonym_key_file
    remedy = "make one with `lucidray key new FILE` and append its line"
    later = [SiteKey(secret) for secret in read_secrets(path, remedy)] if path else []
    return Keyring([CoreSettings.load().site_key(), *later])
