"""Presets: those that come with Lucidray, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lucidray.core.errors import Permanent
from lucidray.quantify.preset import PRESETS, Preset, load_preset
from lucidray.quantify.processing import Discretisation

MEASUREMENT: dict[str, Any] = {"role": "PET", "modality": "PT", "unit": "1", "families": ["morphology"]}
GABOR = {"kind": "gabor", "sigma": 500, "wavelength": 2}


def write(folder: Path, name: str, *measurements: dict[str, Any]) -> None:
    content = {"name": name, "title": "A test", "measurements": list(measurements)}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))


@pytest.mark.parametrize("name", sorted(path.stem for path in PRESETS.glob("*.yaml")))
def test_own_presets_load(name: str) -> None:
    assert load_preset(name).name == name


def test_digest_is_of_the_content_not_the_text(tmp_path: Path) -> None:
    write(tmp_path, "mine", MEASUREMENT)
    first = load_preset("mine", [tmp_path]).digest
    text = (tmp_path / "mine.yaml").read_text()
    (tmp_path / "mine.yaml").write_text("# a remark\n" + text)
    assert load_preset("mine", [tmp_path]).digest == first
    write(tmp_path, "mine", MEASUREMENT | {"spacing": [1.0, 1.0, 1.0]})
    assert load_preset("mine", [tmp_path]).digest != first


def test_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(Permanent, match="pet-ct-core") as failure:
        load_preset("no-such")
    assert failure.value.thing == "feature preset 'no-such'"


@pytest.mark.parametrize("name", ["../presets/ct-1mm", "CT-1mm", "", "presets/ct-1mm"])
def test_a_path_is_no_name(name: str) -> None:
    with pytest.raises(Permanent, match="a name has small letters, digits and hyphens"):
        load_preset(name)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"families": ["glcm"]}, "need a discretisation"),
        ({"families": ["glcm"], "discretisation": {"method": "fixed_bin_size", "value": 1}}, "intensity_range"),
        ({"families": ["glcm"], "discretisation": {"method": "fixed_bin_size"}}, "have a value"),
        ({"families": ["glcm"], "discretisation": {"method": "fixed_bin_number", "value": 1}}, "two bins"),
        ({"families": ["shape"]}, "families.0"),
        ({"without": ["joint_entropy"]}, "joint_entropy"),
        ({"colour": "red"}, "colour"),
        ({"spacing": [-1, 1, 1]}, "spacing"),
        ({"spacing": [0, 1, 1]}, "spacing"),
        ({"spacing": [float("inf"), 1, 1]}, "spacing"),
        ({"intensity_range": [10, -10]}, "not below its end"),
        ({"intensity_range": [float("nan"), 1]}, "intensity_range"),
        ({"discretisation": {"method": "fixed_bin_size", "value": float("inf")}}, "discretisation.value"),
        ({"glcm": {"distance": 100_000}}, "glcm.distance.*less than or equal to 20"),
        ({"ngtdm": {"distance": 1000}}, "ngtdm.distance.*less than or equal to 20"),
        ({"ngldm": {"distance": 1000}}, "ngldm.distance.*less than or equal to 20"),
        ({"spacing": [1, 1, 1], "filters": [GABOR]}, "reaches 3035 voxels of 1 mm, and 1000 are the most"),
    ],
)
def test_faults_are_named(tmp_path: Path, change: dict[str, Any], cause: str) -> None:
    write(tmp_path, "mine", MEASUREMENT | change)
    with pytest.raises(Permanent, match=cause):
        load_preset("mine", [tmp_path])


def test_a_family_is_measured_once_per_image(tmp_path: Path) -> None:
    write(tmp_path, "mine", MEASUREMENT, MEASUREMENT)
    with pytest.raises(Permanent, match="morphology in PET"):
        load_preset("mine", [tmp_path])


def test_file_and_preset_have_one_name(tmp_path: Path) -> None:
    write(tmp_path, "mine", MEASUREMENT)
    (tmp_path / "mine.yaml").rename(tmp_path / "yours.yaml")
    with pytest.raises(Permanent, match="calls itself 'mine'"):
        load_preset("yours", [tmp_path])


def test_broken_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: [")
    with pytest.raises(Permanent, match="cannot be read"):
        load_preset("mine", [tmp_path])


def test_discretisation_is_described_with_its_unit() -> None:
    assert Discretisation(method="fixed_bin_size", value=25).describe("[hnsf'U]") == "fixed_bin_size 25 [hnsf'U]"
    assert Discretisation(method="fixed_bin_number", value=32).describe("[hnsf'U]") == "fixed_bin_number 32"
    assert Discretisation(method="none", value=None).describe("1") == "none"


def test_core_preset_leaves_out_what_is_slow() -> None:
    core: Preset = load_preset("pet-ct-core")
    shape = next(each for each in core.measurements if "morphology" in each.families)
    assert {"morans_i_index", "gearys_c_measure"} == set(shape.without)
