"""One owner for a folder: two processes that write the same files would lose some."""

import fcntl
import os
from pathlib import Path

from lucidray.core.errors import Permanent


class FolderLock:
    """Held until it is released or its process ends, even by SIGKILL (flock of the folder itself).

    Parameters
    ----------
    folder
        Exists, on a local disk.
    setting
        What names the folder; for the remedy.
    needed
        Whether a file system without locks is refused; else its folders are used all the same.
    """

    def __init__(self, folder: Path, setting: str, *, needed: bool = True) -> None:
        self._folder = folder
        self._setting = setting
        self._needed = needed
        self._descriptor = -1

    def take(self) -> None:
        """Become the owner.

        Raises
        ------
        Permanent
            Another process is, or the file system knows no locks and they are needed.
        """
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Permanent(
                f"folder {self._folder}",
                "another running process uses it",
                f"stop that one, or give this one a folder of its own ({self._setting})",
            ) from None
        except OSError as error:
            os.close(descriptor)
            if not self._needed:
                return
            raise Permanent(
                f"folder {self._folder}",
                f"it cannot be locked ({error.strerror})",
                f"choose a folder on a local disk ({self._setting})",
            ) from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others have it; does nothing if it is not held."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
