"""Presets: listed, shown, checked."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from lucidray.lab.features.presets import Finding, as_yaml, check, preset_files
from lucidray.launcher.main import app
from lucidray.quantify.preset import load_preset, read_preset

MEASUREMENT = {
    "role": "CT",
    "modality": "CT",
    "unit": "[hnsf'U]",
    "spacing": [1.0, 1.0, 1.0],
    "rounded": True,
    "intensity_range": [-1000.0, None],
    "discretisation": {"method": "fixed_bin_size", "value": 25.0},
    "families": ["glcm"],
}


def findings(folder: Path, **changes: object) -> list[Finding]:
    measurement = {name: value for name, value in (MEASUREMENT | changes).items() if value is not ...}
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "title": "Mine", "measurements": [measurement]}))
    return check(path)


@pytest.mark.parametrize("name", sorted(preset_files()))
def test_every_preset_that_comes_with_lucidray_works(name: str) -> None:
    assert not [each for each in check(preset_files()[name]) if each.fault]


def test_a_preset_without_a_fault_has_no_finding(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "field", "remedy"),
    [
        ({"role": ...}, "measurements.0.role", "add it"),
        ({"spacings": [1, 1, 1]}, "measurements.0.spacings", "did you mean spacing?"),
        ({"families": ["glrm"]}, "measurements.0.families.0", "did you mean glrlm?"),
        ({"aggregation": "4D:mrg"}, "measurements.0.aggregation", "did you mean 3D:mrg?"),
        ({"glcm": {"distance": 0}}, "measurements.0.glcm.distance", "correct it"),
        ({"discretisation": ...}, "measurements.0", "correct it"),
    ],
)
def test_a_fault_is_named_by_field_and_remedy(
    tmp_path: Path, changes: dict[str, object], field: str, remedy: str
) -> None:
    (finding,) = findings(tmp_path, **changes)
    assert (finding.field, finding.remedy, finding.fault) == (field, remedy, True)
    assert finding.cause


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    assert len(findings(tmp_path, role=..., unit=..., modality="XX")) == 3


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"modality": "MR", "unit": "1"}, "use fixed_bin_number"),
        ({"discretisation": {"method": "fixed_bin_number", "value": 32}}, "use fixed_bin_size"),
        ({"rounded": False}, "set rounded: true"),
        ({"spacing": [3.0, 1.0, 1.0]}, "set one spacing for all axes, or aggregation 2D or 2.5D"),
        ({"spacing": ..., "rounded": False}, "set one spacing for all axes, or aggregation 2D or 2.5D"),
    ],
)
def test_what_the_manual_advises_against_is_advice(tmp_path: Path, changes: dict[str, object], remedy: str) -> None:
    (finding,) = findings(tmp_path, **changes)
    assert (finding.remedy, finding.fault) == (remedy, False)


@pytest.mark.parametrize(
    ("text", "cause"),
    [("a: [", "line 1"), ("- 1", "dictionary"), ("a: 1\na: 2", "line 2, column 1: a key is there twice")],
)
def test_a_file_that_is_no_preset_is_said_to_be_none(tmp_path: Path, text: str, cause: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    (finding,) = check(path)
    assert cause in finding.cause


def test_commands_list_show_and_check(tmp_path: Path) -> None:
    runner, preset = CliRunner(), load_preset("pet-suv")
    assert "pet-suv" in runner.invoke(app, ["presets", "list"]).stdout
    shown = runner.invoke(app, ["presets", "show", "pet-suv"]).stdout
    assert preset.digest in shown
    assert yaml.safe_load(shown)["name"] == "pet-suv"
    works = runner.invoke(app, ["presets", "check", "pet-suv"])
    assert (works.exit_code, preset.digest in works.stdout.replace("\n", "")) == (0, True)
    (tmp_path / "bad.yaml").write_text("name: bad\n")
    assert runner.invoke(app, ["presets", "check", "pet-suv", str(tmp_path / "bad.yaml")]).exit_code == 1


def test_a_fault_is_printed_as_it_is_and_a_name_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "Mine.yaml").write_text(
        yaml.safe_dump({"name": "Mine", "title": "Mine", "measurements": [MEASUREMENT]})
    )
    result = CliRunner().invoke(app, ["presets", "check", str(tmp_path / "Mine.yaml"), "no-such"])
    assert result.exit_code == 1
    assert "'^[a-z0-9][a-z0-9-]*$'" in result.output
    assert "no-such: there is no preset of that name, and no such file" in result.output


def test_a_preset_written_out_has_the_same_digest(tmp_path: Path) -> None:
    preset = load_preset("pet-ct-core")
    path = tmp_path / "pet-ct-core.yaml"
    path.write_text(as_yaml(preset))
    assert read_preset(path).digest == preset.digest
