"""How harmonize runs."""

from typing import ClassVar

from pydantic import Field

from lucidray.core.settings import Section


class HarmonizeSettings(Section):
    """The step that makes volumes of series."""

    section: ClassVar[str] = "harmonize"

    voxels: int = Field(1 << 30, ge=1, description="Largest volume that is made, in voxels (4 bytes each at most)")
