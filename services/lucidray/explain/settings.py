"""How explain runs. Bundles and engines have their own sections: `bundles`, `serving`."""

from typing import ClassVar

from pydantic import Field

from lucidray.core.settings import Section


class ExplainSettings(Section):
    """The step that explains."""

    section: ClassVar[str] = "explain"

    random_orders: int = Field(
        200, ge=10, description="Orders of the deletion check, drawn at random; all there are, if they are fewer"
    )
