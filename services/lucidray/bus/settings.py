"""Settings of the bus."""

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from lucidray.core.settings import CoreSettings, Section


class BusSettings(Section):
    """Which bus, and how to reach it."""

    section: ClassVar[str] = "bus"

    kind: Literal["sqlite", "kafka"] = Field("sqlite", description="sqlite: one machine, no set-up; kafka: a cluster")

    path: Path | None = Field(
        None, description="sqlite: file of the log, on a local disk (not a network share); default <core.data>/bus.db"
    )
    lease_seconds: float = Field(
        5.0, gt=0, description="sqlite: a consumer silent for so long is dead, others take its partitions over"
    )
    retention_days: float = Field(
        7.0, gt=0, description="sqlite: records that every group has read are deleted when so old"
    )

    bootstrap_servers: tuple[str, ...] = Field(
        (), description="kafka: host:port of some brokers, separated by commas or as a list"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="kafka: whether to encrypt (SSL) and to log in (SASL)"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="kafka: how to log in"
    )
    sasl_username: str = Field("", description="kafka: user to log in as")
    sasl_password_file: Path | None = Field(None, description="kafka: file that holds the user's password")
    ssl_cafile: Path | None = Field(
        None, description="kafka: certificates (PEM) of the authority to trust; default: those of the system"
    )
    session_timeout_ms: int = Field(
        10_000, gt=0, description="kafka: a consumer silent for so long is dead, others take its partitions over"
    )
    delivery_timeout_ms: int = Field(
        60_000, gt=0, description="kafka: a record not acknowledged for so long has failed"
    )
    connect_timeout_ms: int = Field(10_000, gt=0, description="kafka: how long to try to reach the first broker")
    replication_factor: int = Field(
        1, ge=1, description="kafka: copies of each record in topics that are created; 3 in a hospital"
    )

    @field_validator("bootstrap_servers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "kafka" and not self.bootstrap_servers:
            raise ValueError("kind kafka needs bootstrap_servers")
        if self.logs_in and not (self.sasl_username and self.sasl_password_file):
            raise ValueError(f"{self.security_protocol} needs sasl_username and sasl_password_file")
        return self

    @property
    def logs_in(self) -> bool:
        """Whether brokers ask for a user and a password."""
        return self.security_protocol.startswith("SASL")

    @property
    def encrypts(self) -> bool:
        """Whether connections use TLS."""
        return self.security_protocol.endswith("SSL")

    def file(self) -> Path:
        """Where the SQLite log lies."""
        return self.path or CoreSettings.load().data / "bus.db"
