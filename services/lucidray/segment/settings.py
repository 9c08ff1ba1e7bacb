"""How segment runs. Bundles and engines have their own sections: `bundles`, `serving`."""

from typing import ClassVar

from pydantic import Field

from lucidray.core.settings import Section


class SegmentSettings(Section):
    """The step that finds regions."""

    section: ClassVar[str] = "segment"

    contour_points: int = Field(5_000_000, ge=1, description="A structure set with more contour points is refused")
