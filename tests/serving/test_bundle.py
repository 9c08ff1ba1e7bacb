"""Bundles: nothing runs that is not what was packed."""

from pathlib import Path
from typing import Any

import pytest

from lucidray.core.errors import NoCompatibleWorker, Permanent
from lucidray.serving.bundle import Bundle, BundleShelf, load_bundle, write_bundle


def content(**changes: Any) -> dict[str, Any]:
    """The least that a tabular bundle must say."""
    return {
        "name": "example",
        "version": "1.0.0",
        "kind": "tabular",
        "title": "An example",
        "intended_use": {"statement": "For tests", "population": "None", "limitations": "none"},
        "features": [{"name": "PET volume", "feature": "volume_mesh", "image_role": "PET"}],
        "outputs": [{"name": "probability", "meaning": "Something"}],
        "training": {"data": "none", "n": 0},
        "licence": "Apache-2.0",
        **changes,
    }


FILES = {"model.onnx": b"graph", "card.md": b"# Example\n"}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "example", content(), FILES)


def test_what_was_packed_is_what_is_loaded(bundle: Bundle) -> None:
    loaded = load_bundle(bundle.folder)
    assert loaded == bundle
    assert loaded.read("model.onnx") == b"graph"
    assert (loaded.name, loaded.version) == ("example", "1.0.0")


def test_packing_again_gives_the_same_bytes_and_digest(bundle: Bundle, tmp_path: Path) -> None:
    again = write_bundle(tmp_path / "again", content(), FILES)
    assert again.digest == bundle.digest
    assert (again.folder / "model.yaml").read_bytes() == (bundle.folder / "model.yaml").read_bytes()


def test_digest_covers_manifest_and_files(bundle: Bundle, tmp_path: Path) -> None:
    other_text = write_bundle(tmp_path / "a", content(title="Another"), FILES)
    other_model = write_bundle(tmp_path / "b", content(), FILES | {"model.onnx": b"other"})
    assert len({bundle.digest, other_text.digest, other_model.digest}) == 3


@pytest.mark.parametrize("name", ["model.onnx", "card.md"])
def test_changed_file_is_refused_by_name(bundle: Bundle, name: str) -> None:
    (bundle.folder / name).write_bytes(b"tampered")
    with pytest.raises(Permanent, match=f"file {name}.*SHA-256"):
        load_bundle(bundle.folder)
    with pytest.raises(Permanent, match=f"file {name}.*SHA-256"):
        bundle.read(name)


def test_missing_file_is_refused_by_name(bundle: Bundle) -> None:
    (bundle.folder / "model.onnx").unlink()
    with pytest.raises(Permanent, match="file model.onnx.*cannot be read"):
        load_bundle(bundle.folder)


def test_file_that_the_manifest_does_not_name_is_never_read(bundle: Bundle) -> None:
    (bundle.folder / "extra.bin").write_bytes(b"extra")
    with pytest.raises(Permanent, match="does not name it"):
        bundle.read("extra.bin")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"version": "one"}, "version"),
        ({"surprise": 1}, "surprise"),
        ({"outputs": []}, "outputs"),
        ({"inference": {"patch": [8, 8, 8], "overlap": 1.0}}, "inference.overlap"),
    ],
)
def test_wrong_manifest_names_the_field(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(Permanent, match=f"field '{named}'"):
        write_bundle(tmp_path / "wrong", content(**changes), FILES)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a\\b"])
def test_files_stay_inside_the_bundle(bundle: Bundle, name: str) -> None:
    manifest = bundle.folder / "model.yaml"
    manifest.write_text(manifest.read_text() + f"  {name}: {'0' * 64}\n")
    with pytest.raises(Permanent, match="stay inside"):
        load_bundle(bundle.folder)


def test_manifest_cannot_construct_objects(bundle: Bundle) -> None:
    (bundle.folder / "model.yaml").write_text("!!python/object/apply:os.getcwd []\n")
    with pytest.raises(Permanent, match="not plain YAML"):
        load_bundle(bundle.folder)


def test_shelf_finds_the_latest_version_or_the_pinned_one(bundle: Bundle) -> None:
    shelf = BundleShelf([bundle.folder.parent])
    newer = write_bundle(bundle.folder.parent / "newer", content(version="1.10.0"), FILES)
    write_bundle(bundle.folder.parent / "middle", content(version="1.9.0"), FILES)
    assert shelf.find("example") == newer
    assert shelf.find("example", bundle.digest) == bundle
    assert [one.version for one in shelf.bundles()] == ["1.0.0", "1.9.0", "1.10.0"]


def test_shelf_without_the_pinned_digest_may_be_the_wrong_worker(bundle: Bundle) -> None:
    with pytest.raises(NoCompatibleWorker, match="000000000000"):
        BundleShelf([bundle.folder.parent]).find("example", "0" * 64)


def test_shelf_names_what_it_has(bundle: Bundle) -> None:
    with pytest.raises(Permanent, match="'other'.*there are: example"):
        BundleShelf([bundle.folder.parent]).find("other")


def test_two_bundles_of_one_version_are_not_guessed_between(bundle: Bundle) -> None:
    write_bundle(bundle.folder.parent / "twin", content(title="Twin"), FILES)
    with pytest.raises(Permanent, match="2 different bundles"):
        BundleShelf([bundle.folder.parent]).find("example")


def test_one_broken_bundle_does_not_hide_the_others(bundle: Bundle) -> None:
    broken = bundle.folder.parent / "broken"
    broken.mkdir()
    (broken / "model.yaml").write_text("name: broken\n")
    shelf = BundleShelf([bundle.folder.parent])
    assert shelf.find("example") == bundle
    assert [fault.thing for fault in shelf.faults()] == ["bundle 'broken', file model.yaml"]
    with pytest.raises(Permanent, match="field"):
        shelf.find("broken")


def test_changed_file_is_refused_when_found(bundle: Bundle) -> None:
    (bundle.folder / "model.onnx").write_bytes(b"tampered")
    with pytest.raises(Permanent, match="SHA-256"):
        BundleShelf([bundle.folder.parent]).find("example")


def test_settings_name_the_folders(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCIDRAY_BUNDLES__FOLDERS", f"['{bundle.folder.parent}']")
    assert BundleShelf().find("example") == bundle
