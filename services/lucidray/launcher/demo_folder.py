"""The folder of the demonstration, which deletes what an earlier one left, and nothing else."""

import shutil
from pathlib import Path

from lucidray.core.errors import Permanent
from lucidray.core.folderlock import FolderLock

MARKER = "made-by-lucidray-demo"
_SAYS = "`lucidray demo` made this folder, and empties it when it runs again.\n"


def take_empty(folder: Path) -> FolderLock:
    """Make `folder`, or empty it where a demonstration made it; the lock that keeps other processes off.

    Raises
    ------
    Permanent
        It holds what no demonstration made, cannot be written to, or another process uses it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / MARKER).is_file():
            raise Permanent(
                f"folder {folder}",
                "it holds files that no demonstration made, and a demonstration begins by emptying its folder",
                "delete it if that of an earlier release made it, else name a new or empty one with --data",
            )
        lock = FolderLock(folder, "--data")
        lock.take()
        (folder / MARKER).write_text(_SAYS)
        _empty(folder)
    except OSError as error:
        raise Permanent(
            f"folder {folder}",
            f"it cannot be emptied and written to ({error.strerror})",
            "name another one with --data, or give this user the right to write there",
        ) from None
    return lock


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each.name != MARKER:
            each.unlink()
