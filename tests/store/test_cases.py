"""The commit protocol of a case."""

from pathlib import Path

import pytest

from lucidray.core.errors import Permanent
from lucidray.store.cases import ArtifactEntry, CaseStore, Manifest
from lucidray.store.folder import FolderStore


@pytest.fixture
def cases(tmp_path: Path) -> CaseStore:
    return CaseStore(FolderStore(tmp_path))


def a_manifest(cases: CaseStore, data: bytes, key: str = "k") -> Manifest:
    part = cases.put_blob("c1", "a.json", "application/json", data)
    artifact = ArtifactEntry(contract="features", parts=[part])
    return Manifest(case_id="c1", step="quantify", step_key=key, algorithm_version="1", artifacts=[artifact])


def test_the_first_manifest_wins(cases: CaseStore) -> None:
    first, second = a_manifest(cases, b"1"), a_manifest(cases, b"2")
    assert cases.commit(first) == first
    assert cases.commit(second) == first
    assert cases.manifest("c1", "k") == first


def test_blobs_are_read_back_verified(cases: CaseStore, tmp_path: Path) -> None:
    part = a_manifest(cases, b"content").artifacts[0].parts[0]
    assert cases.get_part(part) == b"content"
    (tmp_path / part.key).write_bytes(b"c0ntent")
    with pytest.raises(Permanent, match="not what was committed"):
        cases.get_part(part)


def test_a_rotten_blob_is_quarantined_and_stored_anew(cases: CaseStore, tmp_path: Path) -> None:
    part = cases.put_blob("c1", "a", "x/y", b"content")
    (tmp_path / part.key).write_bytes(b"rotten")
    again = cases.put_blob("c1", "a", "x/y", b"content")
    assert cases.get_part(again) == b"content"
    assert list(cases.objects.keys("quarantine/")) == [f"quarantine/c1/{part.sha256}"]


def test_a_manifest_that_is_not_there_is_named(cases: CaseStore) -> None:
    assert cases.find_manifest("c1", "none") is None
    with pytest.raises(Permanent, match="manifest none of case c1"):
        cases.manifest("c1", "none")


def test_attempts_are_counted_durably_up_to_the_limit(cases: CaseStore, tmp_path: Path) -> None:
    numbers = [CaseStore(FolderStore(tmp_path)).attempt("c1", "segment-g0", 3) for _ in range(5)]
    assert numbers == [1, 2, 3, 4, 4]
    assert cases.attempt("c1", "segment-g1", 3) == 1


def test_markers(cases: CaseStore) -> None:
    assert cases.marked("c1", ["cancelled", "superseded"]) == ""
    assert cases.mark("c1", "superseded")
    assert not cases.mark("c1", "superseded")
    assert cases.marked("c1", ["cancelled", "superseded"]) == "superseded"
