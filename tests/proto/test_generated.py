"""The generated messages are those of the .proto files."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_generated_code_is_current(tmp_path: Path) -> None:
    sources = sorted((ROOT / "proto/lucidray/v1").glob("*.proto"))
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        "-Iproto",
        f"--python_out={tmp_path}",
        f"--pyi_out={tmp_path}",
    ]
    subprocess.run([*command, *(str(each.relative_to(ROOT)) for each in sources)], cwd=ROOT, check=True)
    made = sorted((tmp_path / "lucidray/v1").iterdir())
    assert len(made) == 2 * len(sources)
    for each in made:
        committed = ROOT / "services/lucidray/v1" / each.name
        assert committed.read_text() == each.read_text(), f"{each.name} is stale: run `make proto`"


@pytest.mark.parametrize("arguments", [["lint"]])
def test_buf(arguments: list[str]) -> None:
    buf = Path(sys.executable).parent / "buf"
    done = subprocess.run([buf, *arguments], cwd=ROOT / "proto", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_breaking_changes_are_found_against_the_committed_messages(tmp_path: Path) -> None:
    """buf compares with an image of the released messages; a renumbered field must not pass."""
    buf = Path(sys.executable).parent / "buf"
    image = ROOT / "proto" / "released.binpb"
    same = subprocess.run([buf, "breaking", "--against", image], cwd=ROOT / "proto", capture_output=True, check=False)
    assert same.returncode == 0, same.stdout.decode()
    changed = tmp_path / "lucidray/v1"
    changed.mkdir(parents=True)
    for each in (ROOT / "proto/lucidray/v1").glob("*.proto"):
        (changed / each.name).write_text(each.read_text().replace("string study_key = 2;", "string study_key = 92;"))
    (tmp_path / "buf.yaml").write_text((ROOT / "proto/buf.yaml").read_text())
    broken = subprocess.run([buf, "breaking", "--against", image], cwd=tmp_path, capture_output=True, check=False)
    assert broken.returncode != 0
    assert b"study_key" in broken.stdout
