"""What every process shares: cases, errors, settings, clock, metrics, logging, worker decisions."""

from importlib.metadata import version

VERSION = version("lucidray")
