"""Imported by the server of worker processes: what it loads and compiles, they start with."""

from lucidray.lab.features import measuring
from lucidray.quantify.warm import warm_up

__all__ = ["measuring"]

warm_up()
