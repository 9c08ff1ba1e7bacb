"""Content items of structured reports: PS3.15 Table E.3.4-1, as data (tables/README.md).

Dates, codes, numbers, names and references of a content item are treated as everywhere. What the
table adds is which items go as a whole, and which texts may stay.
"""

from enum import Enum, auto

from lucidray.deidentify.codes import current
from lucidray.deidentify.profile import Profile
from lucidray.deidentify.table import content_rows


class Content(Enum):
    """What is done with a content item."""

    REMOVE = auto()
    ORDINARY = auto()  # as any other item; a text becomes a dummy
    DESCRIPTION = auto()  # the known words of its text stay
    DEVICE = auto()  # its text stays if it is an identifier or known words


def content_action(profile: Profile, value_type: str, scheme: str, value: str) -> Content:
    """What is done with an item of a value type whose concept name has this code. Unknown texts go."""
    row = content_rows().get((*current(scheme, value), value_type))
    if row is None:
        return Content.REMOVE if value_type == "TEXT" else Content.ORDINARY
    actions = {row.options[option] for option in profile.options if option in row.options}
    if "K" in actions:
        return Content.DEVICE if value_type == "TEXT" else Content.ORDINARY
    if "C" in actions:
        return Content.DESCRIPTION if value_type == "TEXT" else Content.ORDINARY
    return Content.ORDINARY if "D" in row.basic else Content.REMOVE
