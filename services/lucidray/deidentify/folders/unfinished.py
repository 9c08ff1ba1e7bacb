"""What a run that was interrupted has left in its folder: noted there, so that the next one can take it away."""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Self

from lucidray.core.errors import Permanent

INCOMING = ".incoming-"
_NOTE = ".unfinished"
_STUDY = re.compile(r"[\w-]+/[0-9.]+")  # what we note: the pseudonyms of a patient and of a study


class Unfinished:
    """The note of the studies that a run has put into `target`, there until the run has finished.

    Entering takes away what an interrupted run has left.

    Raises
    ------
    Permanent
        There is something else in the folder.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._note = target / _NOTE

    def appears(self, study: Path) -> None:
        """A study is about to be moved to where it is seen."""
        with self._note.open("a") as note:
            print(study.relative_to(self._target).as_posix(), file=note, flush=True)
            os.fsync(note.fileno())

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is None or not self._noted():
            self._note.unlink()

    def _begin(self) -> None:
        for study in self._noted():
            shutil.rmtree(study, ignore_errors=True)
            with suppress(OSError):  # not there, or not empty
                study.parent.rmdir()
        for incoming in self._target.glob(f"{INCOMING}*"):
            shutil.rmtree(incoming)
        if any(path != self._note for path in self._target.iterdir()):
            raise Permanent(
                f"folder {self._target}", "it is not empty", "name a new folder, so that nothing old is mixed in"
            )
        self._note.write_text("")

    def _noted(self) -> list[Path]:
        lines = self._note.read_text().splitlines() if self._note.is_file() else []
        return [self._target / line for line in lines if _STUDY.fullmatch(line)]
