"""Where results are written: what the system refuses is told as thing, cause and remedy, before hours of work."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lucidray.core.errors import Permanent


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make the folder of a file that is written within.

    Raises
    ------
    Permanent
        The folder cannot be made, or the file not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        cause = f"it cannot be written ({error.strerror or type(error).__name__})"
        remedy = "name another place, or make room and give the right to write"
        raise Permanent(f"output {path.name}", cause, remedy) from None


def check_place(path: Path) -> None:
    """Raise now what `writing` would raise later; a file that is there is left as it is."""
    with writing(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        part = part_of(path)
        part.touch()
        part.unlink()


def part_of(path: Path) -> Path:
    """Where a file is written before it takes its name."""
    return path.with_name(f".{path.name}.part")
