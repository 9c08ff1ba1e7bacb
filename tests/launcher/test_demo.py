"""`lucidray demo`, from a phantom to what is printed; and what it does not touch."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lucidray.core.errors import Permanent
from lucidray.launcher.demo_folder import MARKER, take_empty

LUCIDRAY = str(Path(sys.executable).parent / "lucidray")
SECONDS = 120.0  # the machine may be busy


def demo(*arguments: str, status: int) -> str:
    environment = {**os.environ, "COLUMNS": "200", "CI": "yes", "STUDY": ""}
    done = subprocess.run(
        [LUCIDRAY, "demo", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_phantom_goes_through_the_house_and_comes_back_right(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    said = demo("--data", str(data), status=0)
    assert "Exactly one SEG and one SR, in the patient's own study, every reference resolving." in said
    (dice,) = re.findall(r"Dice against the known truth\D+(\d\.\d+)", said)
    assert float(dice) > 0.9
    (measurements,) = re.findall(r"SR: measurements\D+(\d+)", said)
    assert int(measurements) > 50
    (probability, low, high) = re.findall(r"SR: probability\D+([\d.]+) \(95 % interval ([\d.]+) to ([\d.]+)\)", said)[0]
    assert 0 < float(low) < float(probability) < float(high) < 1
    assert (data / "overlay.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("missing", ["nowhere", "file"])
def test_a_study_that_is_not_there_is_said_at_once(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file").touch()
    said = demo("--study", str(tmp_path / missing), "--data", str(tmp_path / "demo"), status=1)
    assert re.search(rf"folder \S+{missing}: there is no such folder", said)
    assert not (tmp_path / "demo").exists()


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("the only copy")
    said = demo("--data", str(tmp_path), status=1)
    assert "files that no demonstration made" in said
    assert "--data" in said
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_an_earlier_demonstration_left_is_removed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    folder = tmp_path / "demo"
    take_empty(folder).release()
    (folder / "analysis" / "cases").mkdir(parents=True)
    (folder / "bus.db").touch()
    (folder / "link").symlink_to(elsewhere)
    take_empty(folder).release()
    assert [path.name for path in folder.iterdir()] == [MARKER]
    assert (elsewhere / "kept").exists()


def test_a_folder_that_a_running_house_uses_is_not_emptied(tmp_path: Path) -> None:
    lock = take_empty(tmp_path / "demo")
    (tmp_path / "demo" / "bus.db").touch()
    with pytest.raises(Permanent, match="another running process uses it"):
        take_empty(tmp_path / "demo")
    assert (tmp_path / "demo" / "bus.db").exists()
    lock.release()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Permanent, match=r"folder .*file/demo: it cannot be emptied .*--data"):
        take_empty(tmp_path / "file" / "demo")
