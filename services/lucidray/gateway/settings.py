"""Settings of the gateway."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from lucidray.core.settings import Section


class Limits(BaseModel):
    """What one peer may ask of us."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    object_bytes: int = Field(4 << 30, description="Largest data set that is accepted, in bytes", ge=1 << 10)
    inflated_bytes: int = Field(
        1 << 30, description="Largest size to which a deflated data set may inflate", ge=1 << 10
    )
    pdu_seconds: float = Field(10.0, description="A PDU must arrive whole within this time", gt=0)
    object_seconds: float = Field(900.0, description="A data set must arrive whole within this time", gt=0)
    idle_seconds: float = Field(60.0, description="An association without any data is aborted after this time", gt=0)
    connections: int = Field(
        200, description="Open connections, also those that have not asked for an association yet", ge=1, le=900
    )


class GatewaySettings(Section):
    """The DICOM node."""

    section: ClassVar[str] = "gateway"

    ae_title: str = Field("LUCIDRAY", description="Our AE title", min_length=1, max_length=16)
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0: every one")
    port: int = Field(11112, description="Port to listen on; 0: any free one", ge=0, le=65535)
    require_called_ae_title: bool = Field(False, description="Reject who calls us by another AE title")
    calling_ae_titles: tuple[str, ...] = Field((), description="AE titles that may send to us; empty: any")
    max_associations: int = Field(32, description="Associations at a time", ge=1, le=512)
    max_pdu: int = Field(131072, description="Longest PDU that we take, in bytes", ge=4096, le=1 << 20)
    storage_sop_classes: tuple[str, ...] = Field(
        (), description="Storage SOP class UIDs to accept beside the standard's, e.g. private ones"
    )
    gateway_id: str = Field(
        "gateway-0", description="Name of this replica in watermarks", pattern=r"^[a-zA-Z0-9.-]{1,64}$"
    )
    database_url: str = Field("", description="SQLAlchemy URL of index and outbox; empty: SQLite under core.data")
    spool: Path | None = Field(
        None, description="Folder of objects that are not uploaded yet; default <core.data>/gateway. Clinical zone"
    )
    watermark_seconds: float = Field(1.0, description="Time between watermarks", gt=0)
    limits: Limits = Field(Limits(), description="What one peer may ask of us")
