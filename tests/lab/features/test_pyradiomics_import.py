"""Parameter files of pyradiomics become presets; what is not honoured is named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pywt
import yaml
from typer.testing import CliRunner

from lucidray.core.errors import Permanent
from lucidray.lab.features.pyradiomics.note import Note
from lucidray.lab.features.pyradiomics.parameters import FAMILIES, equivalents, read_parameters, to_preset
from lucidray.launcher.main import app
from lucidray.quantify import extract
from lucidray.quantify.discretise import bin_numbers
from lucidray.quantify.filters import response
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.preset import read_preset
from lucidray.quantify.processing import Discretisation

# In the manner of the examples that pyradiomics publishes: a CT file with response maps, an MR file in slices.
CT = """
setting:
  binWidth: 25
  label: 1
  interpolator: 'sitkBSpline'
  resampledPixelSpacing: [2, 2, 2]
  weightingNorm:
  resegmentRange: [-100, 400]
imageType:
  Original: {}
  LoG:
    sigma: [1.0, 2.5]
  Wavelet:
    binWidth: 10
featureClass:
  shape:
  firstorder: []
  glcm: ['Contrast', 'MCC', 'JointEntropy']
  glrlm:
"""
MR = """
setting: {normalize: true, normalizeScale: 100, binCount: 64, force2D: true, voxelArrayShift: 300, gldm_a: 1}
imageType: {Original: {}, Gradient: {gradientUseSpacing: true}}
featureClass: {firstorder: [Mean, Entropy], gldm: , shape2D: }
"""


def imported(text: str, modality: Any = "CT") -> tuple[list[Measurement], list[Note]]:
    preset, notes = to_preset(yaml.safe_load(text), "mine", modality)
    return list(preset.measurements), notes


def not_honoured(notes: list[Note]) -> set[str]:
    return {each.parameter for each in notes if each.kind == "not honoured"}


def test_processing_is_taken_over() -> None:
    (whole, contrast), _ = imported(CT)
    for each in (whole, contrast):
        assert (each.role, each.modality, each.unit) == ("CT", "CT", "[hnsf'U]")
        assert each.spacing == (2.0, 2.0, 2.0)
        assert (each.interpolation, each.mask_interpolation) == ("cubic", "nearest")
        assert each.intensity_range == (-100.0, 400.0)
        assert each.discretisation is not None
        assert (each.discretisation.value, each.discretisation.start) == (25.0, "multiple")
        assert each.aggregations == ["3D:avg"]
    assert whole.families == ["morphology", "intensity_statistics", "intensity_histogram", "glrlm"]


def test_chosen_features_alone_are_measured() -> None:
    (_, contrast), notes = imported(CT)
    assert contrast.families == ["glcm"]
    kept = {each.name for each in definitions().values() if each.family == "glcm"} - set(contrast.without)
    assert kept == {"contrast", "joint_entropy"}
    assert "glcm MCC" in not_honoured(notes)


def test_features_of_one_class_that_the_manual_has_in_two_families_are_both_measured() -> None:
    (dependences, statistics, histogram), _ = imported(MR, "MR")
    assert [each.families for each in (dependences, statistics, histogram)] == [
        ["ngldm"],
        ["intensity_statistics"],
        ["intensity_histogram"],
    ]
    assert "mean_intensity" not in statistics.without
    assert "discretised_intensity_entropy" not in histogram.without
    assert dependences.ngldm.coarseness == 1
    assert dependences.aggregations == ["2.5D:avg"]


def test_response_maps_are_taken_over() -> None:
    (whole, _), _ = imported(CT)
    labels = [each.label for each in whole.filters]
    assert [label.split()[:2] for label in labels[:2]] == [["log", "1"], ["log", "2.5"]]
    assert len(labels) == 2 + 8
    assert "morphology" not in whole.filter_families


def test_a_grid_of_unequal_sides_is_taken_over_without_response_maps() -> None:
    (measurement, *_), notes = imported(CT.replace("[2, 2, 2]", "[1, 0, 3]"))
    assert measurement.spacing == (3.0, None, 1.0)  # x, y, z there; z, y, x here, and 0 keeps an axis
    assert not measurement.filters
    assert "imageType" in not_honoured(notes)


def test_what_is_not_honoured_is_named() -> None:
    _, of_ct = imported(CT)
    assert not_honoured(of_ct) >= {"label", "imageType", "firstorder TotalEnergy", "shape Maximum2DDiameterSlice"}
    assert {"resampledPixelSpacing", "LoG", "Wavelet", "firstorder Kurtosis"} <= {each.parameter for each in of_ct}
    _, of_mr = imported(MR, "MR")
    assert not_honoured(of_mr) >= {
        "normalize",
        "voxelArrayShift",
        "imageType",
        "featureClass",
        "imageType Gradient",
    } - {"imageType Gradient"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("symmetricalGLCM", False),
        ("resegmentShape", True),
        ("distances", [1, 2]),
        ("weightingNorm", "euclidean"),
        ("minimumROISize", 50),
        ("force2Ddimension", 1),
        ("correctMask", True),
        ("somethingElse", 1),
    ],
)
def test_a_setting_that_is_not_honoured_is_named(setting: str, value: object) -> None:
    _, notes = to_preset({"setting": {setting: value}}, "mine", "CT")
    assert setting in not_honoured(notes)


@pytest.mark.parametrize(
    ("setting", "value"), [("padDistance", 8), ("additionalInfo", False), ("symmetricalGLCM", True), ("binWidth", 5)]
)
def test_a_setting_that_changes_nothing_or_is_honoured_is_not(setting: str, value: object) -> None:
    _, notes = to_preset({"setting": {setting: value}}, "mine", "CT")
    assert setting not in {each.parameter for each in notes}


@pytest.mark.parametrize(
    ("limits", "mode", "range_", "outliers", "taken"),
    [
        ([0], "absolute", (0.0, None), None, True),
        ([-3, 3], "sigma", (None, None), 3.0, True),
        ([-2, 3], "sigma", (None, None), None, False),
        ([0.1, 0.9], "relative", (None, None), None, False),
    ],
)
def test_resegmentation(
    limits: list[float], mode: str, range_: tuple[float | None, float | None], outliers: float | None, taken: bool
) -> None:
    preset, notes = to_preset({"setting": {"resegmentRange": limits, "resegmentMode": mode}}, "mine", "MR")
    assert (preset.measurements[0].intensity_range, preset.measurements[0].outliers) == (range_, outliers)
    assert ("resegmentRange" not in not_honoured(notes)) == taken


def test_every_feature_has_its_place_in_the_family_of_its_class() -> None:
    manual = definitions()
    for name, features in equivalents().items():
        for feature, each in features.items():
            assert each.abbreviation or each.difference, (name, feature)
            if each.abbreviation:
                assert manual[each.abbreviation].family in FAMILIES[name], (name, feature)


def test_bands_of_wavelets_are_those_of_the_stationary_transform() -> None:
    """pyradiomics decomposes by PyWavelets' swtn along x, y, z, level by level."""
    (whole, *_), _ = imported("imageType: {Wavelet: {wavelet: coif1, level: 2}}")
    image = np.random.default_rng(1).normal(size=(8, 12, 16))
    fine = pywt.swtn(image, "coif1", level=1, axes=(2, 1, 0))[0]
    coarse = pywt.swtn(image, "coif1", level=2, axes=(2, 1, 0))[0]
    assert [f"{each.bands}{each.level}" for each in whole.filters if each.kind == "wavelet"][-1] == "HHH2"
    assert len(whole.filters) == 7 + 8
    for each in whole.filters:
        assert each.kind == "wavelet"
        theirs = (fine if each.level == 1 else coarse)[each.bands.replace("L", "a").replace("H", "d")]
        np.testing.assert_allclose(response(image, (1.0, 1.0, 1.0), each), theirs, atol=1e-12)


def test_bins_start_at_the_multiple_of_their_width_below_the_least_intensity() -> None:
    bins = Discretisation(method="fixed_bin_size", value=5.0, start="multiple")
    levels = bin_numbers(np.array([-7.0, -5.0, 0.0, 12.0]), bins, (-100.0, None))
    np.testing.assert_array_equal(levels, [1, 2, 3, 5])
    with pytest.raises(ValueError, match="fixed size"):
        Discretisation(method="fixed_bin_number", value=5, start="multiple")


def test_the_command_writes_a_preset_that_works_and_says_what_differs(tmp_path: Path) -> None:
    (tmp_path / "Params CT.yaml").write_text(CT)
    output = tmp_path / "params-ct.yaml"
    arguments = ["presets", "import", str(tmp_path / "Params CT.yaml"), "--modality", "CT", "-o", str(output)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    preset = read_preset(output)
    assert preset.digest in result.stderr
    assert "not honoured: glcm MCC" in result.stderr
    assert "# not honoured: glcm MCC" in output.read_text()
    image = np.random.default_rng(1).normal(100, 50, (8, 12, 12))
    mask = np.zeros(image.shape, np.bool_)
    mask[2:6, 2:10, 2:10] = True
    features = extract(image, mask, preset, spacing=(3.0, 1.5, 1.5))
    assert sum(each.value is not None for each in features) > 400


@pytest.mark.parametrize("text", ["- 1", "a: [", "color: red"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(Permanent):
        read_parameters(tmp_path / "p.yaml")


def test_values_that_pyradiomics_would_not_take_are_refused() -> None:
    with pytest.raises(Permanent, match="discretisation"):
        to_preset({"setting": {"binWidth": -1}}, "mine", "CT")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("featureClass: [a]", "featureClass"),
        ("featureClass: {glcm: Contrast}", "featureClass.glcm"),
        ("setting: [binWidth]", "setting"),
        ("setting: {resampledPixelSpacing: 2}", "setting.resampledPixelSpacing"),
        ("setting: {distances: 1}", "setting.distances"),
        ("setting: {resegmentRange: 5}", "setting.resegmentRange"),
        ("setting: {weightingNorm: [euclidean]}", "setting.weightingNorm"),
        ("imageType: [LoG]", "imageType"),
        ("imageType: {LoG: {sigma: 1.0}}", "imageType.LoG.sigma"),
        ("imageType: {Wavelet: {level: two}}", "imageType.Wavelet.level"),
    ],
)
def test_a_value_of_another_form_is_refused_by_its_place(text: str, place: str) -> None:
    with pytest.raises(Permanent, match=f"mine: {place}"):
        imported(text)
