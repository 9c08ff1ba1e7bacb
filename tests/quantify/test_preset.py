"""Presets: those that come with Lucidray, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lucidray.core.errors import Permanent
from lucidray.imaging.resample import Interpolation
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.preset import PRESETS, Preset, load_preset, read_preset
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


GLCM = MEASUREMENT | {
    "families": ["morphology", "glcm"],
    "discretisation": {"method": "fixed_bin_size", "value": 1.0},
    "intensity_range": [0.0, None],
    "filters": [{"kind": "mean", "support": 3}],
}
LONG = {
    "spacing": [None, None, None],
    "aggregation": ["3D:mrg"],
    "families": ["glcm", "morphology"],
    "discretisation": {"method": "fixed_bin_size", "value": 1, "start": "range"},
    "intensity_range": [0, None],
    "outliers": None,
    "ivh_discretisation": {"method": "fixed_bin_size", "value": 0.1},
    "glcm": {"distance": 1, "norm": None, "weighting": {"function": "none"}},
    "filters": [{"kind": "mean", "support": 3, "volumetric": True, "boundary": "mirror"}],
    "rounded": False,
}


def preset_of(measurement: dict[str, Any], **fields: Any) -> Preset:
    return Preset.model_validate({"name": "mine", "title": "A test", "measurements": [measurement]} | fields)


@pytest.mark.parametrize("field", sorted(LONG))
def test_what_means_the_same_has_one_digest(field: str) -> None:
    short, long = preset_of(GLCM), preset_of(GLCM | {field: LONG[field]})
    assert long.digest == short.digest
    assert preset_of(GLCM, name="yours", title="Another", hybrids=[], deep=[]).digest == short.digest


@pytest.mark.parametrize(
    "change",
    [
        {"outliers": 3.0},
        {"rounded": True},
        {"spacing": [None, 1.0, None]},
        {"spacing": [1.0, None, None]},
        {"intensity_range": [0.0, 0.5]},
        {"aggregation": ["3D:mrg", "3D:avg"]},
        {"ivh_discretisation": {"method": "fixed_bin_size", "value": 0.2}},
        {"ngldm": {"coarseness": 1}},
        {"without": ["joint_entropy"]},
        {"filters": [{"kind": "mean", "support": 3, "volumetric": False}]},
        {"filters": []},
    ],
)
def test_what_means_something_else_has_another_digest(change: dict[str, Any]) -> None:
    assert preset_of(GLCM | change).digest != preset_of(GLCM).digest


class WithOtherDefault(Measurement):
    """Of a release that changed a default."""

    interpolation: Interpolation = "cubic"


class WithMoreFields(Measurement):
    """Of a release that can do more."""

    inverted: bool = False
    clipped: float | None = None
    smoothed: list[float] = []


def of_release(release: type[Measurement]) -> Preset:
    return preset_of(GLCM).model_copy(update={"measurements": [release.model_validate(GLCM)]})


def test_a_release_that_changes_a_default_changes_the_digest_and_one_that_can_do_more_does_not() -> None:
    assert of_release(WithOtherDefault).digest != preset_of(GLCM).digest
    assert of_release(WithMoreFields).digest == preset_of(GLCM).digest


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
        ({"spacing": [0.001, 1, 1]}, "spacing.*greater than or equal to 0.01"),
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


def test_what_is_no_preset_and_no_file_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "text.yaml").write_text("just text")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe")
    for name, cause in (
        ("text", "'text': Input should be a valid dictionary"),
        ("bytes", "cannot be read"),
        ("away", "there is no such file"),
    ):
        with pytest.raises(Permanent, match=cause):
            read_preset(tmp_path / f"{name}.yaml")


def test_broken_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: [")
    with pytest.raises(Permanent, match="cannot be read"):
        load_preset("mine", [tmp_path])


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """Which of both was meant, no one could tell from the results."""
    write(tmp_path, "mine", MEASUREMENT)
    with (tmp_path / "mine.yaml").open("a") as file:
        file.write("title: Another\n")
    with pytest.raises(Permanent, match="DuplicateKey"):
        load_preset("mine", [tmp_path])


def test_discretisation_is_described_with_its_unit() -> None:
    assert Discretisation(method="fixed_bin_size", value=25).describe("[hnsf'U]") == "fixed_bin_size 25 [hnsf'U]"
    assert Discretisation(method="fixed_bin_number", value=32).describe("[hnsf'U]") == "fixed_bin_number 32"
    assert Discretisation(method="none", value=None).describe("1") == "none"


def test_core_preset_leaves_out_what_is_slow() -> None:
    core: Preset = load_preset("pet-ct-core")
    shape = next(each for each in core.measurements if "morphology" in each.families)
    assert {"morans_i_index", "gearys_c_measure"} == set(shape.without)
