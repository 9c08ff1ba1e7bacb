"""Settings of quantify."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lucidray.core.settings import Section


class QuantifySettings(Section):
    """What quantify needs to know."""

    section: ClassVar[str] = "quantify"

    preset_folders: list[Path] = Field(
        default_factory=list, description="Folders with feature presets beside those that come with Lucidray"
    )
    threads: int = Field(
        2, ge=1, le=16, description="Threads among which the families of a region are shared out; values do not change"
    )
