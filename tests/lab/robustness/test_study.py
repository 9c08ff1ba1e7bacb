"""Cohorts measured again, from files to table and picture."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
import yaml
from onnx import TensorProto, helper
from pydicom import dcmread
from scipy import ndimage
from typer.testing import CliRunner

from lucidray.contracts.results import Feature
from lucidray.lab.features.cohort import read_cohort
from lucidray.lab.features.dicom_folder import read_series
from lucidray.lab.features.presets import find_preset
from lucidray.lab.robustness.lidc import reader_masks, shapes
from lucidray.lab.robustness.perturbation import Chain
from lucidray.lab.robustness.results import robustness, to_csv
from lucidray.lab.robustness.study import Perturbations, Repeated
from lucidray.launcher.main import app
from lucidray.quantify.preset import Preset
from lucidray.quantify.region import VANISHED
from lucidray.serving.bundle import CARD, MODEL, write_bundle

Mask = npt.NDArray[np.bool_]
SHAPE, SPACING = (14, 24, 24), (3.0, 2.0, 2.0)
PRESET = {
    "name": "mr-few",
    "title": "Test",
    "measurements": [
        {
            "role": "MR",
            "modality": "MR",
            "unit": "1",
            "spacing": [2, 2, 2],
            "intensity_range": [0, 400],
            "discretisation": {"method": "fixed_bin_size", "value": 10},
            "families": ["intensity_statistics", "ngtdm"],
        }
    ],
}


def write(path: Path, array: npt.NDArray[np.float32 | np.uint8 | np.float64]) -> None:
    """An array (z, y, x) as NIfTI."""
    affine = np.diag([*SPACING[::-1], 1.0])
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(array.T), affine), path)


def ball(radius: float, shift: float = 0) -> Mask:
    places = [(np.arange(count) - count / 2) * step for count, step in zip(SHAPE, SPACING, strict=True)]
    z, y, x = np.meshgrid(*places, indexing="ij")
    inside: Mask = z**2 + y**2 + (x - shift) ** 2 <= radius**2
    return inside


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three lesions of different brightness and size, each outlined by three readers; a fourth without a mask file."""
    folder = tmp_path_factory.mktemp("cohort")
    rng = np.random.default_rng(9)
    rows = []
    for number in range(3):
        noise = ndimage.gaussian_filter(rng.normal(size=SHAPE), 0.7)
        lesion = 100 + 40 * number * ball(10 + number) + 10 * noise / noise.std()
        write(folder / f"{number}.nii.gz", lesion.astype(np.float32))
        for reader in range(3):
            write(folder / f"{number}{reader}.nii.gz", ball(9 + number + 0.4 * reader, 0.5 * reader).astype(np.uint8))
            rows.append([f"S{number}", f"{number}.nii.gz", f"{number}{reader}.nii.gz"])
    (folder / "preset.yaml").write_text(yaml.safe_dump(PRESET | {"name": "preset"}))
    for name, listed in (
        ("lesions.csv", rows[::3]),
        ("readers.csv", rows),
        ("broken.csv", [*rows[:4:3], ["S9", "0.nii.gz", "no.nii.gz"]]),
    ):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([["subject", "image", "mask"], *listed])
    return folder


def command(cohort: Path, *arguments: str) -> tuple[int, str, list[dict[str, str]]]:
    """Exit code, what was printed, and the table."""
    table = cohort / "out" / "table.csv"
    table.unlink(missing_ok=True)
    result = CliRunner().invoke(app, ["robustness", *arguments, "-p", str(cohort / "preset.yaml"), "-o", str(table)])
    rows = list(csv.DictReader(table.read_text().splitlines())) if table.exists() else []
    return result.exit_code, result.output, rows


def test_perturbation_gives_a_table_and_a_picture(cohort: Path) -> None:
    code, printed, rows = command(cohort, "perturb", str(cohort / "lesions.csv"), "--repeats", "3", "--chain", "RTNV")
    assert code == 0, printed
    assert "perturbation RTNV x 3, seed 1, 3 lesions" in printed.replace("\n", " ")
    assert len(rows) == 18 + 5
    by_name = {row["name"]: row for row in rows}
    mean = by_name["mean_intensity"]
    assert (mean["subjects"], mean["measurements"], mean["code"]) == ("3", "3", "Q4LE")
    assert float(mean["icc_1_1"]) > 0.9, "lesions differ in brightness far more than measurements"
    assert float(mean["icc_1_1_low"]) <= float(mean["icc_1_1"]) <= float(mean["icc_1_1_high"])
    assert (cohort / "out" / "table.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["rob", "rob.png", "rob.parquet"])
@pytest.mark.parametrize("study", ["perturb", "readers"])
def test_a_table_that_is_not_named_csv_is_refused_before_anything_is_measured(
    cohort: Path, tmp_path: Path, study: str, name: str
) -> None:
    arguments = ["robustness", study, str(cohort / "lesions.csv"), "-p", str(cohort / "preset.yaml")]
    result = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / name)])
    assert result.exit_code
    assert "name it .csv" in f"{result.output}{result.exception}"
    assert not list(tmp_path.iterdir())


def test_the_listing_and_places_that_cannot_be_written_are_no_output(cohort: Path) -> None:
    before = (cohort / "lesions.csv").read_bytes()
    for study in ("perturb", "readers"):
        for output, cause in (
            (cohort / "lesions.csv", "the listing of the cohort"),
            ("/proc/r.csv", "cannot be written"),
        ):
            arguments = ["robustness", study, str(cohort / "lesions.csv"), "-p", "mr-1mm", "-o", str(output)]
            result = CliRunner().invoke(app, arguments)
            assert cause in str(result.exception)
    assert (cohort / "lesions.csv").read_bytes() == before


def test_readings_of_one_lesion_alone_make_a_picture_without_a_coefficient(cohort: Path) -> None:
    rows = (cohort / "readers.csv").read_text().splitlines()
    (cohort / "single.csv").write_text("\n".join([rows[0], *(row.replace("S0", "S[0]") for row in rows[1:3])]))
    code, printed, table = command(cohort, "readers", str(cohort / "single.csv"))
    assert code == 0, printed
    assert {row["class"] for row in table} == {"undefined"}


def test_readers_are_compared(cohort: Path) -> None:
    code, printed, rows = command(cohort, "readers", str(cohort / "readers.csv"))
    assert code == 0, printed
    by_name = {row["name"]: row for row in rows}
    assert by_name["mean_intensity"]["measurements"] == "3"
    assert float(by_name["mean_intensity"]["icc_2_1"]) > 0.8
    # The larger the outline, the smaller the coarseness: readers differ by an offset, which consistency forgives.
    coarseness = by_name["coarseness"]
    assert float(coarseness["icc_3_1"]) > float(coarseness["icc_2_1"])


def test_a_lesion_that_fails_is_named_and_the_others_stand(cohort: Path) -> None:
    code, printed, rows = command(cohort, "perturb", str(cohort / "broken.csv"), "--repeats", "2", "--chain", "T")
    assert code == 3
    assert "S9: mask no.nii.gz: there is no such file or folder" in printed
    assert rows[0]["subjects"] == "2"


def test_a_region_that_vanishes_does_not_take_the_others_of_its_subject_along(cohort: Path, tmp_path: Path) -> None:
    labels = ball(9).astype(np.uint8)
    labels[1, 1, 1] = 2
    write(tmp_path / "labels.nii.gz", labels)
    (tmp_path / "lesions.csv").write_text(f"subject,image,mask\nS0,{cohort / '0.nii.gz'},labels.nii.gz\n")
    preset = find_preset(str(cohort / "preset.yaml"))
    coarse = preset.measurements[0].model_copy(update={"spacing": (7.0, 7.0, 7.0)})
    preset = preset.model_copy(update={"measurements": [coarse]})
    (subject,) = read_cohort(tmp_path / "lesions.csv", preset)
    first, second = Perturbations(preset, Chain.parse("T"), 2, 1)(subject)
    assert (len(first.measurements), first.reason) == (2, "")
    assert (second.measurements, VANISHED.reason in second.reason) == ([], True)


def test_repeats_do_not_depend_on_who_else_is_measured(cohort: Path) -> None:
    preset = find_preset(str(cohort / "preset.yaml"))
    subjects = read_cohort(cohort / "lesions.csv", preset)
    chain = Chain.parse("RTNVC")
    few = Perturbations(preset, chain, 1, 5)(subjects[1])
    many = Perturbations(preset, chain, 2, 5)(subjects[1])
    assert few[0].measurements == many[0].measurements[:1]
    assert many[0].measurements[0] != many[0].measurements[1]
    assert Perturbations(preset, chain, 1, 6)(subjects[1]) != few


@pytest.mark.parametrize("operation", [None, "zscore"])
def test_deep_features_are_perturbed_like_the_others(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str | None
) -> None:
    """A network that passes the image on, on the grid of the measurement: its mean is the mean intensity, on the scale
    of the whole image although only a part of it is resampled."""
    shape = [1, 1, 16, 32, 32]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["same"])],
        "same",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("same", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    content = {
        "name": "same",
        "version": "1.0.0",
        "kind": "segmentation",
        "title": "Test",
        "intended_use": {"statement": "test", "population": "phantoms", "limitations": "test"},
        "inputs": [{"role": "MR", "modality": "MR", "unit": "1", "spacing_limits": [[3, 3], [2, 2], [2, 2]]}],
        "grid": {"role": "MR", "spacing": [2.0, 2.0, 2.0]},
        "preprocessing": [{"operation": operation, "role": "MR"}] if operation else [],
        "inference": {"patch": shape[2:]},
        "outputs": [{"name": "same", "meaning": "test"}],
        "embedding": {"layers": [{"name": "all", "output": "same", "channels": 1, "stride": [1, 1, 1]}]},
        "training": {"data": "none", "n": 0},
        "licence": "Apache-2.0",
    }
    write_bundle(tmp_path / "same", content, {MODEL: model.SerializeToString(), CARD: b"# Test\n"})
    monkeypatch.setenv("LUCIDRAY_BUNDLES__FOLDERS", f'["{tmp_path}"]')
    preset = Preset.model_validate(PRESET | {"deep": [{"bundle": "same"}]})
    subject = read_cohort(cohort / "lesions.csv", preset)[1]
    (lesion,) = Perturbations(preset, Chain.parse("RTNVC"), 2, 1)(subject)
    assert not lesion.reason
    whole = nibabel.load(subject.images["MR"]).get_fdata()
    centre, scale = (whole.mean(), whole.std()) if operation else (0, 1)
    for features in lesion.measurements:
        found = {(each.family, each.name): each.value for each in features}
        mean = found["intensity_statistics", "mean_intensity"]
        assert mean is not None
        assert found["deep", "mean_0"] == pytest.approx((mean - centre) / scale, rel=1e-4)


def feature(value: float | None) -> Feature:
    return Feature(name="mean", family="intensity_statistics", value=value, image_role="CT", segment=1)


def repeated(*values: Sequence[float | None]) -> list[Repeated]:
    return [Repeated(str(number), [[feature(each)] for each in row]) for number, row in enumerate(values)]


def test_a_reading_that_is_missing_or_undefined_takes_its_lesion_out() -> None:
    complete = robustness(repeated([1, 1.2], [2, 2.1], [4, 3.8]))
    holed = robustness([*repeated([1, 1.2], [2, 2.1], [4, 3.8], [5, None], [6]), Repeated("bad", [], "it failed")])
    assert holed[0].agreement == complete[0].agreement
    assert holed[0].variation == complete[0].variation


def test_one_lesion_has_a_variation_but_no_coefficient() -> None:
    (row,) = robustness(repeated([9, 10, 11]))
    assert row.variation == pytest.approx(0.1)
    assert row.verdict("1,1") == "undefined"
    assert to_csv([row], "1,1").splitlines()[1].endswith("both must be two or more")


@pytest.mark.parametrize(("spread", "verdict"), [(0.001, "excellent"), (0.4, "good"), (0.6, "moderate"), (9, "poor")])
def test_classes_are_those_of_the_lower_limit(spread: float, verdict: str) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(60, 1)) + spread * rng.normal(size=(60, 4))
    (row,) = robustness(repeated(*values.tolist()))
    assert row.verdict("1,1") == verdict


@pytest.mark.data
def test_readers_of_a_real_nodule(tmp_path: Path) -> None:
    folder = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[4] / "shared" / "data")) / "lidc"
    if not folder.is_dir():
        pytest.skip("needs LIDC data: set LUCIDRAY_DATA to a folder that has lidc")
    with (folder / "LIDC-IDRI-0314_contours.csv").open(newline="") as file:
        heights = [float(row["image_z_position"]) for row in csv.DictReader(file)]
    for path in (folder / "LIDC-IDRI-0314_ct_jpegls").iterdir():
        z = float(dcmread(path, specific_tags=["ImagePositionPatient"]).ImagePositionPatient[2])
        if min(heights) - 3 < z < max(heights) + 3:  # the rest of the chest takes half a minute to decode
            (tmp_path / path.name).symlink_to(path)
    volume = read_series(tmp_path, "CT")
    masks = reader_masks(folder / "LIDC-IDRI-0314_contours.csv", volume)
    with (folder / "lidc_all_annotations_with_shape.csv").open(newline="") as file:
        known = {row["id"]: float(row["volume"]) for row in csv.DictReader(file)}
    assert len(masks) == 4
    for reader, mask in masks.items():
        # That table takes areas of the outlines, we take pixels whose centre is inside.
        assert mask.sum() * volume.grid.voxel_volume == pytest.approx(known[reader], rel=0.1)
        # The nodule is denser than the lung around it: rows and columns are not exchanged.
        assert volume.voxels[mask].mean() > -300
    assert len(dict(shapes(folder / "lidc_all_annotations_with_shape.csv"))["volume"]) == 174
