"""Objects as files below a folder.

Order of effects, so that an object is whole and durable once `put_new` returns: write a
temporary file, fsync it, hard-link it to its name (which fails if the name exists), fsync
the folder, remove the temporary name. A crash leaves at most a temporary file.
"""

import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from lucidray.core.errors import Permanent, Transient
from lucidray.store.base import Content, ObjectStore

_KEY = re.compile(r"[A-Za-z0-9_.@+-]{1,200}(/[A-Za-z0-9_.@+-]{1,200})*")
_TEMPORARY = ".tmp"


class FolderStore(ObjectStore):
    """Objects below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        try:
            (root / _TEMPORARY).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(error) from None

    def put_new(self, key: str, content: Content) -> bool:
        path = self._path(key)
        if self.exists(key):
            return False
        temporary = self._root / _TEMPORARY / uuid.uuid4().hex
        try:
            self._make_folder(path.parent)
            self._write(temporary, content)
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
            _sync_folder(path.parent)
        except OSError as error:
            raise self._failed(error) from None
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def get(self, key: str) -> bytes:
        data = self.find(key)
        if data is None:
            raise no_such_object(key)
        return data

    def find(self, key: str) -> bytes | None:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from None

    def exists(self, key: str) -> bool:
        try:
            return self._path(key).is_file()
        except OSError as error:
            raise self._failed(error) from None

    def keys(self, prefix: str) -> Iterator[str]:
        folder = self._path(prefix.rstrip("/")) if prefix else self._root
        for path in folder.rglob("*"):
            relative = path.relative_to(self._root)
            if relative.parts[0] != _TEMPORARY and path.is_file():
                yield relative.as_posix()

    def delete_prefix(self, prefix: str) -> int:
        folder = self._path(prefix.rstrip("/"))
        count = sum(1 for _ in self.keys(prefix))
        if folder.is_dir():
            shutil.rmtree(folder)
            _sync_folder(folder.parent)
        return count

    def move(self, source: str, destination: str) -> None:
        old, new = self._path(source), self._path(destination)
        try:
            self._make_folder(new.parent)
            os.rename(old, new)
            _sync_folder(new.parent)
            _sync_folder(old.parent)
        except OSError as error:
            raise self._failed(error) from None

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key) or ".." in key.split("/") or key.startswith(_TEMPORARY):
            raise Permanent("object key", "it is malformed", "use letters, digits, and . _ - + @ between slashes")
        return self._root / key

    def _make_folder(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            _sync_folder(each.parent)

    def _write(self, temporary: Path, content: Content) -> None:
        if isinstance(content, Path):
            descriptor = os.open(content, os.O_RDONLY)
            try:
                os.fsync(descriptor)  # whoever wrote it may not have
            finally:
                os.close(descriptor)
            try:
                os.link(content, temporary)
                return
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
                    raise
            content = content.read_bytes()
        with open(temporary, "xb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _failed(self, error: OSError) -> Transient:
        return Transient(
            f"folder store {self._root}",
            os.strerror(error.errno or 0),
            "free space, mend the disk or the rights to it; the work is tried again",
        )


def no_such_object(key: str) -> Permanent:
    """The failure of getting what is not there."""
    return Permanent(f"object {key}", "it is not in the store", "check retention, or recompute the step that wrote it")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
