"""The durable record of a run: one line for each subject that was measured, so that a run goes on where it stopped."""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from lucidray.core.canonical import digest_json
from lucidray.core.errors import Permanent
from lucidray.lab.features.lesion import LesionRow
from lucidray.lab.features.measuring import Subject
from lucidray.quantify.preset import Preset


class Journal:
    """Rows by key, appended line by line and synced; the last line may be torn, and is then not there.

    It lies beside the table until that is complete. One process at a time. Rows stay on disk.
    """

    def __init__(self, table: Path) -> None:
        self.path = table.with_name(f"{table.name}.journal")
        self._table = table
        self._places: dict[str, tuple[int, int]] = {}  # first byte and length of a line

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise Permanent(
                f"output {self._table.name}", "another run is writing it", "wait for it, or name another output"
            ) from None
        self._index()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def find(self, key: str) -> list[LesionRow] | None:
        """The rows of a subject that was measured before."""
        if key not in self._places:
            return None
        start, length = self._places[key]
        self._file.seek(start)
        return _rows(self._file.read(length))

    def add(self, key: str, rows: list[LesionRow]) -> None:
        """Keep the rows of a subject, durably."""
        line = json.dumps({"key": key, "rows": [row.model_dump(mode="json") for row in rows]}).encode() + b"\n"
        start = self._file.seek(0, os.SEEK_END)
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._places[key] = (start, len(line))

    def remove(self) -> None:
        """Forget all: the table is complete."""
        self.path.unlink(missing_ok=True)

    def _index(self) -> None:
        """Find the whole lines, and cut off what the crash of an earlier run left of another."""
        self._file.seek(0)
        end = 0
        for line in self._file:
            try:
                _rows(line)
            except (ValueError, KeyError, ValidationError):
                break
            if not line.endswith(b"\n"):
                break
            self._places[json.loads(line)["key"]] = (end, len(line))
            end += len(line)
        self._file.truncate(end)


def _rows(line: bytes) -> list[LesionRow]:
    return [LesionRow.model_validate(row) for row in json.loads(line)["rows"]]


def key_of(subject: Subject, preset: Preset, engine: str) -> str:
    """What the rows of a subject depend on: what is asked, the preset, the engine, and the files as they are now."""
    paths = sorted({*subject.images.values(), *subject.masks.values()})
    files = {str(path): _state(path) for path in paths}
    return digest_json([subject.model_dump(mode="json"), preset.name, preset.digest, engine, files])


def _state(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of change of a file, or of all in a folder."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return [(str(each), each.stat().st_size, each.stat().st_mtime_ns) for each in files if each.exists()]
