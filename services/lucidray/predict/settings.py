"""How predict runs. Bundles and engines have their own sections: `bundles`, `serving`."""

from typing import ClassVar

from pydantic import Field

from lucidray.core.settings import Section


class PredictSettings(Section):
    """The step that predicts."""

    section: ClassVar[str] = "predict"

    research_bundles: bool = Field(
        True, description="Whether bundles whose status is 'research use only' may predict here; else they withhold"
    )
