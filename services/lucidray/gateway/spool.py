"""Objects on the gateway's own disk, from their first byte until they are in the clinical store.

A row in the index makes a file an object: a file without one was never acknowledged. Therefore a
file has its final name from the start, and nothing has to be renamed.
"""

import hashlib
import mmap
import os
import uuid
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lucidray.core.folderlock import FolderLock

_IOV_MAX = 1024  # pieces that one writev takes (POSIX IOV_MAX on Linux)


class Spool:
    """The folder of a gateway; two gateways never share one, for which each takes `lock` before it starts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync_folder(folder.parent)
        self.lock = FolderLock(folder, "gateway.spool")

    def create(self, head: bytes) -> "Incoming":
        """A new object that begins with `head`."""
        return Incoming(self.path(uuid.uuid4().hex), head)

    def path(self, name: str) -> Path:
        """An object."""
        return self._folder / name

    def holds(self, name: str) -> bool:
        """Whether an object is there."""
        return self.path(name).exists()

    def sync(self) -> None:
        """Make the names of the objects durable."""
        _sync_folder(self._folder)

    def remove(self, name: str) -> None:
        """Forget an object."""
        self.path(name).unlink(missing_ok=True)

    def recover(self, known: Container[str]) -> int:
        """Remove what was never acknowledged: all that is not `known`. Only before anything arrives."""
        stray = [path for path in self._folder.iterdir() if path.name not in known]
        for path in stray:
            path.unlink()
        return len(stray)


class Incoming:
    """One object that is arriving. Used by one thread."""

    def __init__(self, path: Path, head: bytes) -> None:
        self.name = path.name
        self._path = path
        self._head = len(head)
        self._digest = hashlib.sha256()
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        self.size = 0
        try:
            self.write([head])
        except OSError:
            self.discard()
            raise

    @property
    def byte_digest(self) -> str:
        """SHA-256 of all bytes, hex."""
        return self._digest.hexdigest()

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Append.

        Raises
        ------
        OSError
            The disk is full or broken.
        """
        for start in range(0, len(pieces), _IOV_MAX):
            part = pieces[start : start + _IOV_MAX]
            expected = sum(map(len, part))
            written = os.writev(self._descriptor, part)
            if written < expected:  # the disk is nearly full, or a signal came
                rest = memoryview(b"".join(part))[written:]
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            for piece in part:
                self._digest.update(piece)
            self.size += expected

    @contextmanager
    def data_set(self) -> Iterator[memoryview]:
        """The bytes after the head, without a copy; not to be kept."""
        if self.size == self._head:
            yield memoryview(b"")
            return
        with (
            mmap.mmap(self._descriptor, self.size, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as whole,
            whole[self._head :] as view,
        ):
            yield view

    def seal(self) -> None:
        """Make the bytes durable; the name is after `Spool.sync`."""
        os.fsync(self._descriptor)
        self._close()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
