"""Whole studies through the step: valid DICOM stays valid, planted identity goes, odd objects end with a reason."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.deidentify.objects import open_vault, parse, part10, run, through_engine

from lucidray.core.errors import Permanent, Refused
from lucidray.imaging.dicom import tolerant
from lucidray.imaging.suv import suv_scale
from lucidray.phantom import SCANNERS, make_study
from lucidray.phantom.phi import plant_phi

BIN = Path(sys.executable).parent
DATA = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[2] / "../shared/data"))
ROLES = {"CT": "CT", "PT": "PET", "RTSTRUCT": "RTSTRUCT"}


def errors(path: Path) -> set[str]:
    run = subprocess.run([BIN / "dciodvfy", path], capture_output=True, text=True, check=False)
    lines = (run.stdout + run.stderr).splitlines()
    assert any(kind in lines for kind in ("CTImage", "PETImage", "RTStructureSet")), lines
    return {line for line in lines if line.startswith("Error")}


@pytest.mark.parametrize("scanner", list(SCANNERS))
@pytest.mark.parametrize("profile", ["clinical-ai", "basic"])
def test_valid_objects_stay_valid(tmp_path: Path, scanner: str, profile: str) -> None:
    study = make_study(11, scanner=scanner)
    files = {role: [part10(study.of(modality)[0])] for modality, role in ROLES.items()}
    out = run(open_vault(tmp_path), files, parameters={"profile": profile})
    for role, (data,) in out.items():
        before, after = tmp_path / f"{role}-before.dcm", tmp_path / f"{role}-after.dcm"
        before.write_bytes(files[role][0])
        after.write_bytes(data)
        assert errors(after) - errors(before) == set()


@pytest.mark.parametrize("scanner", list(SCANNERS))
@pytest.mark.parametrize("profile", ["clinical-ai", "research-export"])
def test_suv_is_the_same_to_the_bit(scanner: str, profile: str) -> None:
    slices = make_study(7, scanner=scanner).of("PT")
    with tolerant():
        before, after = (
            suv_scale(each, "the series")
            for each in (slices, [parse(through_engine(part10(one), profile)) for one in slices])
        )
    assert after == before


def test_phantoms_keep_their_scanner_and_lose_their_patient(tmp_path: Path) -> None:
    study = make_study(5)
    original = study.of("CT")[0]
    after = parse(run(open_vault(tmp_path), {"CT": [part10(original)]})["CT"][0])
    for keyword in ("Manufacturer", "ConvolutionKernel", "SoftwareVersions", "DeviceSerialNumber", "StationName"):
        if keyword in original:
            assert keyword in after
    assert after.ConvolutionKernel == original.ConvolutionKernel
    assert after.InstitutionName.startswith("SITE-")
    assert original.PatientID not in str(after)


def test_what_the_phantom_plants_goes(tmp_path: Path) -> None:
    study = make_study(5)
    planted = plant_phi([*study.of("CT")[:2], *study.of("PT")[:2], *study.of("RTSTRUCT")], seed=7)
    files: dict[str, list[bytes]] = {}
    for dataset in planted.datasets:
        files.setdefault(ROLES[dataset.Modality], []).append(part10(dataset))
    given = b"".join(data for objects in files.values() for data in objects)
    assert all(token.encode() in given for token in planted.tokens)
    out = b"".join(data for objects in run(open_vault(tmp_path), files).values() for data in objects)
    assert [place for token, place in planted.tokens.items() if token.encode() in out] == []


@pytest.mark.data
@pytest.mark.parametrize(
    ("folder", "most"), [("interop", 1000), ("deid/planted_phi", 1000), ("lidc", 20), ("qin_headneck", 20)]
)
def test_real_objects_pass_or_end_with_a_reason(tmp_path: Path, folder: str, most: int) -> None:
    """Every object of many makers, whole and broken; of large series, some."""
    licence = ("LICENSE", "License.txt")
    found = sorted(path for path in (DATA / folder).rglob("*") if path.is_file() and path.name not in licence)
    found = [path for path in found if path.suffix in (".dcm", ".img", "")]
    if not found:
        pytest.skip(f"needs {folder} of LUCIDRAY_DATA")
    vault, passed = open_vault(tmp_path), 0
    for path in found[:: -(-len(found) // most)]:
        try:
            (out,) = run(vault, {"X": [path.read_bytes()]})["X"]
        except (Permanent, Refused) as error:
            assert error.cause and error.remedy and path.name not in str(error)
        else:
            passed += 1
            assert parse(out).PatientIdentityRemoved == "YES"
    assert passed or folder == "deid/planted_phi"
