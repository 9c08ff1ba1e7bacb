"""The step: artifacts in, features out."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from lucidray.contracts.catalogue import FEATURES, REGIONS, VOLUME
from lucidray.contracts.images import Regions, Volume
from lucidray.contracts.parameters import QuantifyParameters
from lucidray.contracts.results import Features
from lucidray.core.errors import NoCompatibleWorker, Permanent
from lucidray.quantify.preset import load_preset
from lucidray.quantify.settings import QuantifySettings
from lucidray.quantify.step import Quantify, build
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs, StepResult

MakeVolume = Callable[..., Volume]
MakeRegions = Callable[..., Regions]

SUV = "{SUVbw}g/ml"
HU = "[hnsf'U]"
CASE = CaseFacts("c1", "study", 1, "patient", "workflow")


@pytest.fixture
def pet(make_volume: MakeVolume) -> Volume:
    """Two hot boxes in a cold image."""
    values = np.full((16, 24, 40), 0.5, np.float32)
    values += np.random.default_rng(5).random(values.shape).astype(np.float32) / 10
    values[5:11, 8:16, 6:14] += 4
    values[5:11, 8:16, 24:34] += 8
    return make_volume(values, (3, 4, 4))


@pytest.fixture
def ct(make_volume: MakeVolume) -> Volume:
    values = np.random.default_rng(6).integers(0, 80, (32, 48, 80))
    return make_volume(values, (1.5, 2, 2), (-1, -1, -0.75), "CT", HU)


@pytest.fixture
def regions(pet: Volume, make_regions: MakeRegions) -> Regions:
    labels = np.zeros(pet.grid.shape, np.uint8)
    labels[5:11, 8:16, 6:14] = 1
    labels[5:11, 8:16, 24:34] = 2
    return make_regions(labels, pet.grid, (True, True))


def run(volumes: dict[str, Volume], regions: Regions, **parameters: str) -> StepResult:
    artifacts: list[Artifact[Volume] | Artifact[Regions]] = [
        Artifact(VOLUME, each, role) for role, each in volumes.items()
    ]
    inputs = GivenInputs([*artifacts, Artifact(REGIONS, regions)])
    return Quantify(QuantifySettings()).run(CASE, inputs, QuantifyParameters.model_validate(parameters))


def features_of(result: StepResult) -> Features:
    (artifact,) = result.artifacts
    assert artifact.contract is FEATURES
    value = artifact.value
    assert isinstance(value, Features)
    return value


def test_typical_journey(pet: Volume, ct: Volume, regions: Regions) -> None:
    result = run({"PET": pet, "CT": ct}, regions)
    features = features_of(result)
    assert features.preset == "pet-ct-core"
    assert features.preset_digest == load_preset("pet-ct-core").digest
    assert {(each.image_role, each.segment) for each in features.features} == {
        (role, segment) for role in ("PET", "CT") for segment in (1, 2)
    }
    hottest = features.value("maximum_intensity", "PET", 2)
    assert hottest == pytest.approx(float(pet.voxels[regions.labels == 2].max()))
    volume = features.value("volume_voxel_counting", "PET", 2)
    assert volume == pytest.approx(6 * 8 * 10 * 3 * 4 * 4, rel=0.15)
    assert (features.value("contrast", "CT", 1, "65HE") or 0) != features.value("contrast", "CT", 1, "ACUI")
    assert list(result.quality) == []
    assert result.summary["features"] == str(len(features.features))
    assert FEATURES.read(FEATURES.write(features)) == features


def test_no_region_gives_no_features(pet: Volume, make_regions: MakeRegions) -> None:
    nothing = make_regions(np.zeros(pet.grid.shape, np.uint8), pet.grid, ())
    result = run({"PET": pet}, nothing, preset="pet-suv")
    assert features_of(result).features == []
    assert list(result.quality) == []


def test_only_targets_are_measured(pet: Volume, regions: Regions, make_regions: MakeRegions) -> None:
    second = make_regions(regions.labels, pet.grid, (False, True))
    features = features_of(run({"PET": pet}, second, preset="pet-suv"))
    assert {each.segment for each in features.features} == {2}


def test_missing_image_is_remarked(pet: Volume, regions: Regions) -> None:
    result = run({"PET": pet}, regions)
    assert {each.image_role for each in features_of(result).features} == {"PET"}
    assert [flag.code for flag in result.quality] == ["image-not-measured"]
    assert "CT" in result.quality[0].message


def test_wrong_unit_is_not_measured(regions: Regions, ct: Volume, make_volume: MakeVolume, pet: Volume) -> None:
    counts = make_volume(pet.voxels, (3, 4, 4), unit="Bq/ml")
    result = run({"PET": counts, "CT": ct}, regions)
    assert {each.image_role for each in features_of(result).features} == {"CT"}
    assert "Bq/ml" in result.quality[0].message
    assert SUV in result.quality[0].message


def test_no_usable_image_parks_the_case(ct: Volume, regions: Regions) -> None:
    with pytest.raises(Permanent, match="PET: its modality is CT") as failure:
        run({"PET": ct}, regions, preset="pet-suv")
    assert "choose a preset" in failure.value.remedy


def test_region_outside_one_image(pet: Volume, make_volume: MakeVolume, regions: Regions) -> None:
    far = make_volume(np.zeros((5, 5, 5)), origin=(500, 0, 0), modality="CT", unit=HU)
    result = run({"PET": pet, "CT": far}, regions)
    assert {flag.code for flag in result.quality} == {"region-outside-image"}
    features = features_of(result)
    assert features.value("mean_intensity", "CT", 1) is None
    assert features.value("mean_intensity", "PET", 1) is not None


def test_tiny_region_is_remarked_and_measured(pet: Volume, make_regions: MakeRegions) -> None:
    labels = np.zeros(pet.grid.shape, np.uint8)
    labels[8, 12, 10] = 1
    result = run({"PET": pet}, make_regions(labels, pet.grid), preset="pet-suv")
    assert {flag.code for flag in result.quality} >= {"region-small"}
    assert features_of(result).value("maximum_intensity", "PET", 1) == pytest.approx(float(pet.voxels[8, 12, 10]))


def test_pinned_preset_must_be_the_one_here(pet: Volume, regions: Regions) -> None:
    with pytest.raises(NoCompatibleWorker, match="pet-suv"):
        run({"PET": pet}, regions, preset="pet-suv", preset_digest="0" * 64)


def test_a_preset_that_was_changed_under_its_name_is_other_work(tmp_path: Path) -> None:
    step, parameters = Quantify(QuantifySettings(preset_folders=[tmp_path])), QuantifyParameters(preset="own")
    text = (files("lucidray.quantify") / "presets" / "pet-suv.yaml").read_text().replace("name: pet-suv", "name: own")
    found = []
    for each in (text, text + "# a remark\n", text.replace("role: PET", "role: PET\n    rounded: true")):
        (tmp_path / "own.yaml").write_text(each)
        found.append(step.pinned(parameters).preset_digest)
    assert found[0] == found[1] != found[2]
    assert all(found)


def test_a_preset_that_changes_while_it_is_measured_does_not_pass_for_the_former(
    tmp_path: Path, pet: Volume, regions: Regions
) -> None:
    step = Quantify(QuantifySettings(preset_folders=[tmp_path]))
    text = (files("lucidray.quantify") / "presets" / "pet-suv.yaml").read_text().replace("name: pet-suv", "name: own")
    (tmp_path / "own.yaml").write_text(text)
    pinned = step.pinned(QuantifyParameters(preset="own"))
    (tmp_path / "own.yaml").write_text(text.replace("role: PET", "role: PET\n    rounded: true"))
    inputs = GivenInputs([Artifact(VOLUME, pet, "PET"), Artifact(REGIONS, regions)])
    with pytest.raises(NoCompatibleWorker, match="own"):
        step.run(CASE, inputs, pinned)


def test_build_reads_the_settings(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCIDRAY_QUANTIFY__PRESET_FOLDERS", f"[{tmp_path}]")
    assert build().spec.name == "quantify"


def test_voxels_that_are_no_numbers_are_remarked(pet: Volume, regions: Regions) -> None:
    holed = pet.voxels.copy()
    holed[regions.labels == 1] = np.where(
        np.arange((regions.labels == 1).sum()) < 5, np.nan, holed[regions.labels == 1]
    )
    result = run({"PET": Volume(holed, pet.facts)}, regions, preset="pet-suv")
    (flag,) = (each for each in result.quality if each.code == "region-no-number")
    assert "segment 1 in PET: 5 of" in flag.message
