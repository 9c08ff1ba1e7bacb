"""Settings of the vault, shared by both steps."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lucidray.core.settings import Section


class DeidentifySettings(Section):
    """Where the vault lies and what opens it."""

    section: ClassVar[str] = "deidentify"

    vault_key_file: Path | None = Field(
        None,
        description="File with the vault keys (hex, one a line; the first seals, all open); "
        "default <core.data>/secrets/vault.key",
    )
    vault_url: str = Field("", description="SQLAlchemy URL of the vault; empty: <core.data>/vault.db")
