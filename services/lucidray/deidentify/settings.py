"""Settings of the vault, shared by both steps."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from lucidray.core.settings import Section


class DeidentifySettings(Section):
    """Where the vault lies and what opens it."""

    section: ClassVar[str] = "deidentify"

    vault_key_file: Path | None = Field(
        None,
        description="File with the vault keys (hex, one a line; the first seals, all open); "
        "default <core.data>/secrets/vault.key",
    )
    vault_keys: SecretStr | None = Field(
        None, description="The vault keys themselves, instead of a file; only ever by the environment, from a secret"
    )
    vault_url: str = Field("", description="SQLAlchemy URL of the vault; empty: <core.data>/vault.db")
    pseudonym_key_file: Path | None = Field(
        None,
        description="File with later pseudonym keys (hex, one a line; only ever append): line n is version n + 1, "
        "and version 1 derives from the site key. A patient keeps the version under which they were first seen",
    )
    encrypt_for: list[Path] = Field(
        default_factory=list,
        description="Certificates (PEM): de-identified objects carry the original identity encrypted for their owners "
        "(Encrypted Attributes Sequence); empty: they carry none",
    )
    pixel_rules: list[Path] = Field(
        default_factory=list, description="YAML files with further rules of where devices write into their pictures"
    )
