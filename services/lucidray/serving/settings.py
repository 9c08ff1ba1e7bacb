"""Where bundles are found, and how networks run."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lucidray.core.settings import Section


class BundleSettings(Section):
    """Where bundles are found."""

    section: ClassVar[str] = "bundles"

    folders: list[Path] = Field(
        default_factory=lambda: [Path(__file__).parents[1] / "zoo" / "bundles"],
        description="Folders whose subfolders are bundles",
    )


class ServingSettings(Section):
    """How networks run in this process."""

    section: ClassVar[str] = "serving"

    provider: str = Field("CPUExecutionProvider", description="onnxruntime execution provider; it must be there")
    threads: int = Field(0, ge=0, description="Threads within an operation; 0: one a core")
