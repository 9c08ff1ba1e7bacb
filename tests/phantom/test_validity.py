"""Every kind of object of every virtual scanner is valid DICOM, as dciodvfy and dcentvfy judge."""

import subprocess
import sys
from pathlib import Path

import pytest

from lucidray.phantom import SCANNERS, make_study
from lucidray.phantom.anatomy import Region

BIN = Path(sys.executable).parent


def complaints(command: str, *paths: Path) -> list[str]:
    run = subprocess.run([BIN / command, *paths], capture_output=True, text=True, check=False)
    lines = (run.stdout + run.stderr).splitlines()
    if command == "dciodvfy":
        assert any(kind in lines for kind in ("CTImage", "PETImage", "RTStructureSet")), lines
    return [line for line in lines if "Error" in line]


@pytest.mark.parametrize(("scanner", "region"), [*((key, "thigh") for key in SCANNERS), ("boreal", "thorax")])
def test_every_kind_of_object_is_valid(scanner: str, region: Region, tmp_path: Path) -> None:
    study = make_study(7, scanner=scanner, region=region)
    paths = study.write(tmp_path)
    for kind in ("CT", "PT", "RTSTRUCT"):
        of_kind = [path for path in paths if path.parent.name == kind]
        for path in {of_kind[0], of_kind[-1]}:
            assert complaints("dciodvfy", path) == []
    # It takes the reference of the structure set to the study (RT Referenced Study Sequence) for one to an instance.
    unresolved = complaints("dcentvfy", *paths)
    assert [line for line in unresolved if f"referenced - {study.study_instance_uid} " not in line] == []


def test_demonstration_size_is_valid(tmp_path: Path) -> None:
    paths = make_study(3, size="demo", scanner="austral").write(tmp_path)
    for kind in ("CT", "PT", "RTSTRUCT"):
        assert complaints("dciodvfy", next(path for path in paths if path.parent.name == kind)) == []


def test_the_judge_sees_an_error(tmp_path: Path) -> None:
    study = make_study(7)
    del study.datasets[0].PixelSpacing
    study.datasets[0].save_as(tmp_path / "broken.dcm", enforce_file_format=True)
    assert complaints("dciodvfy", tmp_path / "broken.dcm")
