"""All features that can be measured: those of the IBSI manual and those beyond."""

from collections.abc import Mapping
from functools import cache

from lucidray.quantify import ibsi
from lucidray.quantify.higher import definitions as higher
from lucidray.quantify.ibsi import Definition


@cache
def features() -> Mapping[str, Definition]:
    """By abbreviation, in the order of the manual; then what the manual does not have."""
    return {**ibsi.definitions(), **higher.definitions()}
