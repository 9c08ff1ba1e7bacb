"""The bus of one machine: a log in a SQLite file, shared by threads and processes."""

from lucidray.bus.sqlite.bus import SqliteBus

__all__ = ["SqliteBus"]
