"""What every object store promises, held against each."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lucidray.core.errors import LucidrayError, Permanent, Transient
from lucidray.store.base import ObjectStore
from lucidray.store.folder import FolderStore


class StoreContract:
    """The promises of `lucidray.store.base`."""

    @pytest.fixture
    def store(self) -> Iterator[ObjectStore]:
        raise NotImplementedError

    def test_put_and_get(self, store: ObjectStore) -> None:
        assert store.put_new("a/b", b"data")
        assert store.get("a/b") == b"data"
        assert store.exists("a/b")

    def test_put_never_changes_an_object(self, store: ObjectStore) -> None:
        store.put_new("a", b"first")
        assert not store.put_new("a", b"second")
        assert store.get("a") == b"first"

    def test_of_concurrent_writers_one_wins(self, store: ObjectStore) -> None:
        won: list[int] = []
        barrier = threading.Barrier(8)

        def write(number: int) -> None:
            barrier.wait()
            if store.put_new("race", bytes([number]) * 10_000):
                won.append(number)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert store.get("race") == bytes(won) * 10_000

    def test_put_from_a_file(self, store: ObjectStore, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"from a file")
        assert store.put_new("a", source)
        source.unlink()
        assert store.get("a") == b"from a file"

    def test_absent_objects(self, store: ObjectStore) -> None:
        assert store.find("none") is None
        assert not store.exists("none")
        with pytest.raises(Permanent, match="object none"):
            store.get("none")

    def test_keys_by_prefix(self, store: ObjectStore) -> None:
        for key in ("cases/1/a", "cases/1/b/c", "cases/10/a", "other"):
            store.put_new(key, b"x")
        assert sorted(store.keys("cases/1/")) == ["cases/1/a", "cases/1/b/c"]
        assert len(list(store.keys(""))) == 4
        assert list(store.keys("nothing/")) == []

    def test_delete_prefix(self, store: ObjectStore) -> None:
        for key in ("cases/1/a", "cases/1/b/c", "cases/10/a"):
            store.put_new(key, b"x")
        assert store.delete_prefix("cases/1/") == 2
        assert list(store.keys("")) == ["cases/10/a"]

    def test_move(self, store: ObjectStore) -> None:
        store.put_new("a/b", b"x")
        store.move("a/b", "quarantine/b")
        assert not store.exists("a/b")
        assert store.get("quarantine/b") == b"x"


class TestFolderStore(StoreContract):
    """Files below a folder."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ObjectStore]:
        yield FolderStore(tmp_path / "store")

    @pytest.mark.parametrize("key", ["", "/a", "a//b", "../a", "a/../b", "a/", ".tmp/x", "a b", "ä", "a/" + "b" * 201])
    def test_malformed_keys_are_refused(self, store: ObjectStore, key: str) -> None:
        with pytest.raises(Permanent, match="object key"):
            store.put_new(key, b"x")

    def test_the_order_of_effects(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Content synced before it has its name; the folder synced after, before `put_new` returns."""
        store = FolderStore(tmp_path)
        store.put_new("folder/first", b"x")
        calls: list[str] = []
        real_fsync, real_link, real_unlink = os.fsync, os.link, Path.unlink

        def fsync(descriptor: int) -> None:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            calls.append("sync folder" if os.path.isdir(path) else "sync file")
            real_fsync(descriptor)

        def link(source: Any, target: Any) -> None:
            calls.append("link")
            real_link(source, target)

        def unlink(path: Path, missing_ok: bool = False) -> None:
            calls.append("unlink")
            real_unlink(path, missing_ok)

        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "link", link)
        monkeypatch.setattr(Path, "unlink", unlink)
        assert store.put_new("folder/second", b"x")
        assert calls == ["sync file", "link", "sync folder", "unlink"]
        calls.clear()
        assert store.put_new("new/third", b"x")
        assert calls[0] == "sync folder"  # of the folder that holds the new folder

    def test_nothing_is_left_when_the_disk_is_full(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = FolderStore(tmp_path)

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(Transient, match="No space left"):
            store.put_new("a", b"x" * 100)
        monkeypatch.undo()
        assert list(store.keys("")) == []
        assert list((tmp_path / ".tmp").iterdir()) == []
        assert store.put_new("a", b"x")

    def test_a_disk_that_fails_is_another_matter_than_an_object_that_is_not_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = FolderStore(tmp_path)

        def fail(_: Path, **__: Any) -> os.stat_result:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(Path, "stat", fail)
        with pytest.raises(Transient, match="Input/output error"):
            store.exists("a")

    def test_a_folder_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(Transient, match=r"folder store .*file/store: Not a directory"):
            FolderStore(tmp_path / "file" / "store")

    def test_errors_do_not_quote_content(self, tmp_path: Path) -> None:
        store = FolderStore(tmp_path)
        (tmp_path / "blocked").write_bytes(b"a file where a folder should be")
        with pytest.raises(LucidrayError) as caught:
            store.put_new("blocked/key", b"DOE^JANE")
        assert "DOE" not in str(caught.value)
