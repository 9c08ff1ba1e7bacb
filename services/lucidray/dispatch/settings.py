"""Settings of dispatch."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lucidray.core.settings import Section


class DispatchSettings(Section):
    """When studies are complete and which workflows there are."""

    section: ClassVar[str] = "dispatch"

    quiet_seconds: float = Field(30.0, gt=0, description="A study is complete when nothing came for so long")
    workflows: list[Path] = Field(
        default_factory=lambda: [Path(__file__).parent / "workflows"],
        description="Folders with workflow definitions (*.yaml)",
    )
    gateway_silent_seconds: float = Field(
        60.0, gt=0, description="A gateway that says nothing for so long holds studies open, with a reason"
    )
    gateway_forget_seconds: float = Field(86400.0, gt=0, description="... and is forgotten after so long")
    database_url: str = Field("", description="SQLAlchemy URL; empty: <core.data>/dispatch.db")
