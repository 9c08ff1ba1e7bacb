"""The command that de-identifies a folder, over the planted corpus: files, their names, and what it prints."""

import re
from pathlib import Path

import pytest

pytest.importorskip("dicomanonymizer", reason="needs the table of the package dicom-anonymizer (extra `test`)")

from tests.deidentify.adversary.checker import MIN_UNIQUE, Checker
from tests.deidentify.adversary.corpus import make_corpus, write_corpus
from typer.testing import CliRunner

from lucidray.deidentify.audit.identifiers import Kind
from lucidray.launcher.main import app


def command(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["deidentify", *map(str, arguments)], env={"COLUMNS": "250"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize("profile", ["clinical-ai", "basic"])
def test_nothing_planted_comes_out_of_a_folder(tmp_path: Path, profile: str) -> None:
    corpus = make_corpus(f"folder {profile}")
    write_corpus(corpus, tmp_path / "in")
    status, printed = command(tmp_path / "in", tmp_path / "out", "--profile", profile, "--jobs", 1)
    assert status == 0
    paths = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(paths) > 0.9 * len(corpus)
    checker = Checker(corpus)
    plants = [plant for each in corpus for plant in each.plants]
    kept = {plant.identifier.value for plant in plants if plant.kept_by or len(plant.identifier.value) < MIN_UNIQUE}
    hits = [hit for path in paths for hit in checker.search(path.read_bytes(), str(path.relative_to(tmp_path / "out")))]
    # A shifted date may be another's true one, and short numbers are met by chance: both are checked file by file.
    leaked = [hit for hit in hits if hit.identifier.kind is not Kind.DATE and hit.identifier.value not in kept]
    assert [(hit.identifier.source, hit.place) for hit in leaked] == []
    assert not checker.search(re.sub(r"\s*│\s*", " ", printed).encode())
