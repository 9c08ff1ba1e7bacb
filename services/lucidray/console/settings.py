"""Settings of the console."""

from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lucidray.core.errors import Permanent
from lucidray.core.settings import Section

MIN_TOKEN_CHARACTERS = 16


class ConsoleSettings(Section):
    """Where the console listens and who may use it."""

    section: ClassVar[str] = "console"

    host: str = Field("127.0.0.1", description="Address of pages and API; beyond this machine only with token_file")
    port: int = Field(8042, ge=0, le=65535, description="Port of pages and API; 0: any free one")
    token_file: Path | None = Field(
        None, description="File with the secret that every request needs, as bearer token or by the login page"
    )
    allowed_hosts: list[str] = Field(
        default_factory=list,
        description="Names by which browsers may address the console; empty: any, if a token is set",
    )
    cache_megabytes: int = Field(1024, ge=1, description="Memory for decoded volumes")
    database_url: str = Field("", description="SQLAlchemy URL; empty: <core.data>/console.db")

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the console."""
        return is_loopback(self.host)

    def token(self) -> str:
        """The secret, or an empty string where none is needed.

        Raises
        ------
        Permanent
            The file cannot be read or its secret is short, or the console would be open to the network without one.
        """
        if self.token_file is None:
            if not self.local:
                raise Permanent(
                    f"setting console.host {self.host}",
                    "the console would be open to the network without a token",
                    "name a file with a secret in console.token_file (`lucidray key new FILE` writes one), "
                    "or listen on 127.0.0.1",
                )
            return ""
        try:
            token = self.token_file.read_text().strip()
        except OSError as error:
            raise Permanent(
                f"token file {self.token_file}", f"cannot be read ({error.strerror})", "correct console.token_file"
            ) from None
        if len(token) < MIN_TOKEN_CHARACTERS:
            raise Permanent(
                f"token file {self.token_file}",
                f"its secret has fewer than {MIN_TOKEN_CHARACTERS} characters",
                "write a longer one with `lucidray key new FILE`",
            )
        return token


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
