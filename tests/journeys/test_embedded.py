"""One study through the whole house over real sockets, with the embedded bus and stores."""

import html
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import httpx
import numpy as np
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless, RLELossless
from tests.house import BIN, House, dciodvfy_errors, running_house
from tests.journeys.secrets import leaks, planted_secrets

import lucidray.dispatch
import lucidray.zoo
from lucidray.core import metrics
from lucidray.launcher.verify import Findings, verify
from lucidray.phantom import PhantomStudy, make_study
from lucidray.phantom import anomalies as bad
from lucidray.phantom.pacs import Pacs
from lucidray.phantom.phi import plant_phi
from lucidray.serving.bundle import Bundle, load_bundle, read_manifest

DATA = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[3] / "shared" / "data"))
ZOO = Path(lucidray.zoo.__file__).parent / "bundles"
WORKFLOWS = Path(lucidray.dispatch.__file__).parent / "workflows"
CHANGED = "changed-after-packing"
# Wants only studies of its trial, with a bundle that somebody changed.
TRIAL = {
    "name": "trial",
    "when": "study.series.exists(s, s.SeriesDescription == 'TRIAL')",
    "inputs": {"PET": {"select": "series.Modality == 'PT'"}},
    "slip": [{"step": "deidentify"}, {"step": "harmonize"}, {"step": "segment", "bundles": [CHANGED]}],
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    environment = {
        "LUCIDRAY_BUNDLES__FOLDERS": str([str(ZOO), str(folder / "bundles")]),
        "LUCIDRAY_DISPATCH__WORKFLOWS": str([str(WORKFLOWS), str(folder / "workflows")]),
    }
    change_after_packing(load_bundle(ZOO / "pet-suv-threshold"), folder / "bundles" / "changed")
    (folder / "workflows").mkdir()
    (folder / "workflows" / "trial.yaml").write_text(yaml.safe_dump(TRIAL))
    with running_house(folder, environment) as house:
        yield house


def change_after_packing(bundle: Bundle, folder: Path) -> None:
    """A bundle whose network is not the one that its manifest names."""
    shutil.copytree(bundle.folder, folder)
    manifest = folder / "model.yaml"
    manifest.write_text(manifest.read_text().replace(f"name: {bundle.name}", f"name: {CHANGED}", 1))
    assert read_manifest(folder).name == CHANGED
    with (folder / "model.onnx").open("ab") as model:
        model.write(b"\0")


def run(house: House, datasets: Sequence[Dataset]) -> dict[str, Any]:
    """Send a study and wait until its case or hold is there."""
    known = house.known()
    report = house.send(datasets)
    assert not report.failed, report.failed
    return house.wait_new(known)


@pytest.fixture(scope="module")
def finished(house: House) -> tuple[PhantomStudy, dict[str, Any]]:
    study = make_study(7, size="demo")  # small phantoms are coarser than the bundle was trained for
    return study, run(house, study.datasets)


def check(house: House, datasets: Sequence[Dataset], study: PhantomStudy | None = None) -> Findings:
    findings = verify(house.results(str(datasets[0].StudyInstanceUID)), datasets, study.truth if study else None)
    assert findings.problems == []
    return findings


def test_the_phantoms_results_are_in_its_own_study(house: House, finished: tuple[PhantomStudy, dict[str, Any]]) -> None:
    study, case = finished
    assert case["state"] == "completed", case
    findings = check(house, study.datasets, study)
    assert findings.dice is not None
    assert findings.dice > 0.9
    assert findings.measurement_count > 50
    assert findings.probability is not None
    assert 0 < findings.probability < 1


def test_results_are_valid_dicom(house: House, finished: tuple[PhantomStudy, dict[str, Any]]) -> None:
    check_valid(house, finished[0].study_instance_uid)


def check_valid(house: House, study_instance_uid: str, inherited: Sequence[str] = ()) -> None:
    """dciodvfy has nothing against SEG and SR of the study, as the PACS received them, but what it has against
    the source: patient and study modules come back as the hospital wrote them."""
    paths = [
        stored.path
        for stored in house.pacs.instances()
        if stored.study_instance_uid == study_instance_uid and stored.modality in ("SEG", "SR")
    ]
    assert len(paths) == 2
    assert [[error for error in dciodvfy_errors(path) if error not in inherited] for path in paths] == [[], []]


def test_another_reader_sees_the_seg_where_the_images_are(
    house: House, finished: tuple[PhantomStudy, dict[str, Any]], tmp_path: Path
) -> None:
    study, _ = finished
    check_geometry(house, study.datasets, tmp_path)


def check_geometry(house: House, datasets: Sequence[Dataset], folder: Path) -> None:
    """dcmqi's segimage2itkimage places every voxel of the SEG where highdicom and the source images have it."""
    uid = str(datasets[0].StudyInstanceUID)
    (path,) = [s.path for s in house.pacs.instances() if s.study_instance_uid == uid and s.modality == "SEG"]
    tool = str(BIN / "segimage2itkimage")
    command = [tool, "--inputDICOM", str(path), "--outputDirectory", str(folder), "-t", "nrrd"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    header, voxels = read_nrrd(next(folder.glob("*.nrrd")))
    assert voxels.any()
    segmentation = hd.seg.Segmentation.from_dataset(dcmread(path))
    volume = segmentation.get_volume(segment_numbers=[1], combine_segments=True)
    # The centre of gravity in patient coordinates must be the same by both readers, and lie in a source slice.
    ours = volume.affine @ [*np.argwhere(volume.array > 0).mean(0), 1]
    theirs = header["origin"] + np.argwhere(voxels > 0).mean(0) @ header["directions"]
    np.testing.assert_allclose(theirs, ours[:3], atol=0.01)
    referenced = {str(f.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)
                  for f in segmentation.PerFrameFunctionalGroupsSequence}  # fmt: skip
    source = {str(each.SOPInstanceUID): each for each in datasets if each.Modality in ("CT", "PT")}
    assert referenced <= set(source)
    one = source[next(iter(referenced))]
    spacing = sorted([*map(float, one.PixelSpacing)])
    np.testing.assert_allclose(sorted(np.linalg.norm(header["directions"], axis=1))[:2], spacing, rtol=1e-3)
    np.testing.assert_allclose(np.sort(volume.spacing)[:2], spacing, rtol=1e-3)


def read_nrrd(path: Path) -> tuple[dict[str, Any], Any]:
    """Origin (LPS), step vectors and voxels (x, y, z) of a gzipped or raw NRRD."""
    import gzip

    head, _, body = path.read_bytes().partition(b"\n\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    sizes = [int(each) for each in fields["sizes"].split()]
    vectors = fields["space directions"].strip().strip("()").split(") (")
    data = gzip.decompress(body) if fields["encoding"] == "gzip" else body
    kind = {"unsigned char": np.uint8, "uchar": np.uint8, "short": np.int16, "signed short": np.int16}
    header = {
        "origin": np.array([float(each) for each in fields["space origin"].strip("()").split(",")]),
        "directions": np.array([[float(each) for each in vector.split(",")] for vector in vectors]),
    }
    return header, np.frombuffer(data, kind.get(fields["type"], np.uint16)).reshape(sizes, order="F")


@pytest.mark.parametrize("transfer_syntax", [None, ImplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
def test_the_same_study_again_changes_nothing(
    house: House, finished: tuple[PhantomStudy, dict[str, Any]], transfer_syntax: str | None
) -> None:
    study, _ = finished
    before = state_of(house)
    report = house.send(study.datasets, transcode_to=transfer_syntax)
    assert not report.failed
    time.sleep(6)  # well beyond the quiet period: what is going to happen has happened
    assert state_of(house) == before


def state_of(house: House) -> dict[str, Any]:
    return {
        "cases": {case["case_id"]: case["state"] for case in house.cases()},
        "clinical": stored(house.data / "clinical"),
        "analysis": stored(house.data / "analysis"),
        "pacs": len(house.pacs.instances()),
    }


def stored(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def show(house: House, case: dict[str, Any]) -> str:
    """What `lucidray case show` prints; the page must say the same."""
    done = subprocess.run(
        [BIN / "lucidray", "case", "show", case["case_id"], "--url", house.url],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "400"},
    )
    page = httpx.get(f"{house.url}/cases/{case['case_id']}", trust_env=False).raise_for_status().text
    words = html.unescape(re.sub(r"<[^>]+>", "", page))  # the page sets what stands in backticks as code
    assert case["remedy"].replace("`", "") in words
    return done.stdout


@pytest.mark.parametrize(
    ("anomaly", "state", "words"),
    [
        (bad.drop_slice, "parked", "missing"),
        (bad.remove_dose, "parked", "RadionuclideTotalDose"),
        (bad.remove_weight, "parked", "PatientWeight"),
        (bad.second_ct_series, "held", "2 series match"),
        (bad.conflicting_birth_dates, "held", "PatientBirthDate"),
        (lambda datasets: [each for each in datasets if each.Modality == "CT"], "unmatched", "no workflow"),
    ],
    ids=["missing slice", "no dose", "no weight", "two CT series", "two birth dates", "no PET"],
)
def test_bad_studies_end_with_cause_and_remedy(house: House, anomaly: Any, state: str, words: str) -> None:
    seed = 100 + sum(words.encode())
    datasets = anomaly(make_study(seed).datasets)
    case = run(house, datasets)
    assert case["state"] == state, case
    assert words in f"{case['thing']} {case['cause']}"
    assert case["remedy"]
    printed = show(house, case)
    assert words in printed
    assert case["remedy"].split(",")[0][:30] in printed


def test_demographics_corrected_at_the_pacs_let_a_held_study_go_on(house: House) -> None:
    right = make_study(38).datasets
    held = run(house, bad.conflicting_birth_dates(right))
    assert held["state"] == "held", held
    assert not house.send(right).failed

    def came_again(cases: list[dict[str, Any]]) -> bool:
        return any(each["case_id"] == held["case_id"] and "came again" in each["cause"] for each in cases)

    house.wait(came_again)
    known = house.known()
    command = [BIN / "lucidray", "case", "release", held["case_id"], "--url", house.url]
    subprocess.run(command, check=True, capture_output=True)
    assert house.wait_new(known)["state"] == "completed"
    check(house, right)


def test_a_changed_bundle_holds_its_workflow_and_no_other(house: House) -> None:
    datasets = make_study(35).datasets
    for each in datasets:
        if each.Modality == "PT":
            each.SeriesDescription = "TRIAL"
    known = house.known()
    assert not house.send(datasets).failed
    held = house.wait_new(known, "held")
    assert CHANGED in held["thing"]
    assert "model.onnx" in held["thing"]
    assert "SHA-256" in held["cause"]
    printed = show(house, held)
    assert "SHA-256" in printed
    assert held["remedy"][:30] in printed
    assert house.wait_new([*known, held["case_id"]])["state"] == "completed"


@pytest.fixture(scope="module")
def delineated(house: House) -> tuple[PhantomStudy, Findings, list[Dataset]]:
    """A study that came without its structure set, what its results say, and the results."""
    study = make_study(8, size="demo")
    images = [each for each in study.datasets if each.Modality != "RTSTRUCT"]
    case = run(house, images)
    assert case["state"] == "completed", case
    return study, check(house, images), house.results(study.study_instance_uid)


def test_without_a_structure_set_a_network_delineates(
    delineated: tuple[PhantomStudy, Findings, list[Dataset]],
) -> None:
    study, findings, results = delineated
    # SUV >= 2.5 is a baseline: it takes the blurred rim of a hot lesion along.
    assert findings.segments[1] == pytest.approx(study.truth.volume_ml, rel=0.5)
    (seg,) = [each for each in results if each.Modality == "SEG"]
    assert seg.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC"
    assert "pet-suv-threshold" in seg.SegmentSequence[0].SegmentAlgorithmName


def test_a_structure_set_that_comes_late_gives_a_report_that_names_the_one_it_replaces(
    house: House, delineated: tuple[PhantomStudy, Findings, list[Dataset]]
) -> None:
    study, _, results = delineated
    (former,) = [each for each in results if each.Modality == "SR"]
    case = run(house, [each for each in study.datasets if each.Modality == "RTSTRUCT"])
    assert case["state"] == "completed", case
    reports = [each for each in house.results(study.study_instance_uid) if each.Modality == "SR"]
    (new,) = [each for each in reports if each.SOPInstanceUID != former.SOPInstanceUID]
    assert "PredecessorDocumentsSequence" not in former
    (replaced,) = new.PredecessorDocumentsSequence
    assert replaced.StudyInstanceUID == study.study_instance_uid
    (series,) = replaced.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == former.SeriesInstanceUID
    assert [each.ReferencedSOPInstanceUID for each in series.ReferencedSOPSequence] == [former.SOPInstanceUID]


def test_a_pacs_that_is_down_gets_its_results_when_it_is_up_again(house: House) -> None:
    study = make_study(36)
    before = house.pacs
    before.close()
    known = house.known()
    house.send(study.datasets)
    waiting = house.wait_new(known, "retrying")
    assert "it cannot be reached" in waiting["cause"]
    house.pacs = Pacs(house.folder / "pacs", port=before.port)
    assert house.wait_new(known)["state"] == "completed"
    check(house, study.datasets, study)


def test_every_process_tells_its_health_and_only_metrics_of_the_list(house: House) -> None:
    known = {metric._name for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)}
    for each in house.supervisor.processes.values():
        address = f"http://127.0.0.1:{each.port}"
        for path in ("/healthz", "/readyz"):
            assert httpx.get(address + path, trust_env=False).status_code == 200
        text = httpx.get(address + "/metrics", trust_env=False).raise_for_status().text
        ours = {
            family.name.removesuffix("_created")
            for family in text_string_to_metric_families(text)
            if family.name.startswith("lucidray")
        }
        assert ours
        assert ours <= known


def test_deliveries_are_counted_where_they_are_scraped(
    house: House, finished: tuple[PhantomStudy, dict[str, Any]]
) -> None:
    address = f"http://127.0.0.1:{house.supervisor.processes['control'].port}/metrics"
    samples = [
        sample
        for family in text_string_to_metric_families(httpx.get(address, trust_env=False).text)
        for sample in family.samples
        if sample.name == "lucidray_objects_delivered_total" and sample.labels["result"] == "stored"
    ]
    assert sum(sample.value for sample in samples) > 0


def test_two_accessions_in_one_study_are_normal(house: House) -> None:
    datasets = bad.two_accessions(make_study(31).datasets)
    assert len({str(each.AccessionNumber) for each in datasets}) == 2
    assert run(house, datasets)["state"] == "completed"


def test_a_truncated_object_is_refused_and_named_while_others_go_on(house: House) -> None:
    known = house.known()
    report = house.send(bad.truncate_pixels(make_study(32).datasets))
    assert len(report.failed) == 1
    refused = house.wait_new(known, "refused")
    assert "pixels are 9216 bytes short" in refused["cause"]
    assert refused["remedy"]
    assert refused["case_id"] in show(house, refused)
    parked = house.wait_new([*known, refused["case_id"]], "parked")
    assert "missing" in parked["cause"]


def test_a_file_that_is_not_dicom_is_skipped_by_name_and_the_rest_is_sent(house: House, tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("not DICOM")
    (tmp_path / "empty.dcm").write_bytes(b"")
    make_study(33).datasets[0].save_as(tmp_path / "one.dcm", enforce_file_format=True)
    report = house.send(tmp_path)
    assert report.sent == 1
    assert {Path(each.name).name for each in report.skipped} == {"report.txt", "empty.dcm"}


def test_no_planted_phi_leaves_the_clinical_zone(house: House) -> None:
    planted = plant_phi(make_study(34).datasets, 34)
    case = run(house, planted.datasets)
    assert case["state"] == "completed", case
    findings = verify(house.results(str(planted.datasets[0].StudyInstanceUID)), planted.datasets, None)
    assert findings.problems == []  # what was removed on the way in is back on the results
    secrets = planted_secrets(planted)
    searched = [*(house.data / "analysis").rglob("*"), *house.data.glob("bus*"), house.log]
    searched += [*house.data.glob("console*"), *house.data.glob("deliver*")]
    metrics = "".join(
        httpx.get(f"http://127.0.0.1:{each.port}/metrics", trust_env=False).text
        for each in house.supervisor.processes.values()
    ).encode()
    api = httpx.get(f"{house.url}/api/v1/cases/{case['case_id']}", trust_env=False).content
    contents = [(str(path), path.read_bytes()) for path in searched if path.is_file()]
    assert len(contents) > 20
    assert any(b"features" in data for _, data in contents)
    assert leaks([*contents, ("/metrics", metrics), ("API", api)], secrets) == set()
    # The search does find: the clinical zone holds them.
    raw = b"".join(path.read_bytes() for path in (house.data / "clinical").rglob("*") if path.is_file())
    assert {secret for secret in secrets if secret in raw} == set(secrets)


@pytest.mark.filterwarnings("ignore:(Invalid value for VR|Unknown encoding)")  # by the sender, this process
def test_values_that_break_their_rules_are_not_quoted_in_the_log(house: House) -> None:
    secret = b"ZQMUSTERMANN"
    datasets = make_study(39).datasets
    for each in datasets:
        for keyword, representation in (
            ("SeriesNumber", "IS"),
            ("InstanceNumber", "IS"),
            ("SpecificCharacterSet", "CS"),
        ):
            tag = Tag(keyword)
            each._dict[tag] = RawDataElement(tag, representation, len(secret), secret, 0, False, True)
    case = run(house, datasets)
    assert case["state"] in ("completed", "parked"), case
    assert secret not in house.log.read_bytes()
    assert secret.decode() not in str(case)
    assert any(secret in path.read_bytes() for path in (house.data / "clinical").rglob("*") if path.is_file())


def test_a_case_is_retried_and_recomputed_on_command(
    house: House, finished: tuple[PhantomStudy, dict[str, Any]]
) -> None:
    _, case = finished
    command = [BIN / "lucidray", "case", "retry", case["case_id"], "--from", "encode", "--recompute"]
    subprocess.run([*command, "--url", house.url], check=True, capture_output=True)
    encode = {step["step"]: step for step in case["steps"]}["encode"]["step_key"]

    def done_again(cases: list[dict[str, Any]]) -> bool:
        entry = next(each for each in cases if each["case_id"] == case["case_id"])
        return bool(entry["state"] == "completed" and entry["generation"] == 1)

    house.wait(done_again)
    shown = httpx.get(f"{house.url}/api/v1/cases/{case['case_id']}", trust_env=False).json()
    steps = {step["step"]: step for step in shown["steps"]}
    assert steps["encode"]["step_key"] != encode
    assert steps["quantify"]["step_key"] == {s["step"]: s for s in case["steps"]}["quantify"]["step_key"]


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "sts_cohort/dicom/STS_006").is_dir(), reason="needs STS_006 below LUCIDRAY_DATA")
def test_a_real_study_comes_back(house: House, tmp_path: Path) -> None:
    folder = DATA / "sts_cohort/dicom/STS_006"
    datasets = [dcmread(path) for part in ("CT", "PET") for path in sorted((folder / part).rglob("*.dcm"))]
    case = run(house, datasets)
    assert case["state"] == "completed", case
    findings = check(house, datasets)
    # 260.2 ml: the volume of the GTV on the CT grid, measured independently from the same contours.
    assert findings.segments[1] == pytest.approx(260.2, rel=0.03)
    check_geometry(house, datasets, tmp_path)
    check_valid(house, str(datasets[0].StudyInstanceUID), dciodvfy_errors(next((folder / "CT/image").glob("*.dcm"))))
