"""SEG and SR of the encode step, as other makers' readers see them."""

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from pydicom import Dataset, dcmread

from lucidray.contracts.catalogue import EXPLANATION, FEATURES, FORMER, PREDICTION, REGIONS, SERIES
from lucidray.contracts.grid import Grid, Vector
from lucidray.contracts.images import Regions, RegionsFacts
from lucidray.contracts.parameters import EncodeParameters
from lucidray.contracts.results import DEEP, Feature
from lucidray.core.clock import ManualClock
from lucidray.core.errors import Permanent
from lucidray.encode.settings import EncodeSettings
from lucidray.encode.step import EncodeStep
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs

BIN = Path(sys.executable).parent
Artifacts = list[Artifact[Any]]
MakeArtifacts = Callable[..., Artifacts]
MakeGrid = Callable[..., Grid]
MakeSlice = Callable[..., bytes]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

AXIAL: tuple[Vector, Vector, Vector] = ((0, 0, 1), (0, 1, 0), (1, 0, 0))
HEAD_FIRST_DOWN: tuple[Vector, Vector, Vector] = ((0, 0, -1), (0, 1, 0), (1, 0, 0))
SAGITTAL: tuple[Vector, Vector, Vector] = ((1, 0, 0), (0, 0, -1), (0, 1, 0))
PRONE: tuple[Vector, Vector, Vector] = ((0, 0, 1), (0, -1, 0), (-1, 0, 0))
OBLIQUE: tuple[Vector, Vector, Vector] = (
    (0.151647, -0.358678, 0.921061),
    (-0.358678, 0.848353, 0.389418),
    (0.921061, 0.389418, 0.0),
)


def encode(artifacts: Artifacts, case: CaseFacts, parameters: EncodeParameters | None = None) -> dict[str, bytes]:
    step = EncodeStep(EncodeSettings(), ManualClock(NOON))
    result = step.run(case, GivenInputs(artifacts), parameters or EncodeParameters())
    assert all(len(artifact.value) == 1 for artifact in result.artifacts)
    return {artifact.role: artifact.value[0] for artifact in result.artifacts}


def swapped(artifacts: Artifacts, *changed: Artifact[Any]) -> Artifacts:
    keys = {(artifact.contract.name, artifact.role) for artifact in changed}
    return [a for a in artifacts if (a.contract.name, a.role) not in keys] + list(changed)


def validate(data: bytes, path: Path) -> str:
    """What dciodvfy complains of, without the unknown coding scheme that a private one is bound to be."""
    path.write_bytes(data)
    done = subprocess.run([BIN / "dciodvfy", path], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return "\n".join(line for line in lines if "99LUCIDRAY" not in line and "DICOMDIR" not in line)


def read_nrrd(path: Path) -> tuple[np.typing.NDArray[Any], np.typing.NDArray[np.float64]]:
    """Voxels (z, y, x) and the 4x4 matrix from (z, y, x, 1) to LPS mm, of a NRRD file by dcmqi."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    assert (fields["space"], fields["type"]) == ("left-posterior-superior", "short")
    columns = [json.loads(v.replace("(", "[").replace(")", "]")) for v in fields["space directions"].split()]
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(columns[::-1]).T
    matrix[:3, 3] = json.loads(fields["space origin"].replace("(", "[").replace(")", "]"))
    shape = [int(n) for n in fields["sizes"].split()][::-1]
    raw = gzip.decompress(body) if fields["encoding"] == "gzip" else body
    return np.frombuffer(raw, "<i2").reshape(shape), matrix


def on_grid(voxels: np.typing.NDArray[Any], matrix: np.typing.NDArray[np.float64], grid: Grid) -> Any:
    """The mask that a reader's image gives on the source's grid: each voxel at the place that the reader says."""
    mask = np.zeros(grid.shape, bool)
    indices = np.argwhere(voxels)
    places = np.c_[indices, np.ones(len(indices))] @ matrix.T
    back = places @ np.linalg.inv(grid.affine).T
    assert np.allclose(back, back.round(), atol=0.01)
    mask[tuple(back[:, :3].round().astype(int).T)] = True
    return mask


@pytest.mark.parametrize(
    "axes",
    [AXIAL, HEAD_FIRST_DOWN, SAGITTAL, PRONE, OBLIQUE],
    ids=["axial", "reversed", "sagittal", "prone", "oblique"],
)
def test_segments_lie_where_they_were_found(
    axes: tuple[Vector, Vector, Vector],
    grid: MakeGrid,
    artifacts: MakeArtifacts,
    case: CaseFacts,
    tmp_path: Path,
) -> None:
    here = grid(axes)
    given = artifacts(here)
    regions = next(a.value for a in given if a.contract is REGIONS)
    (tmp_path / "seg.dcm").write_bytes(encode(given, case)["SEG"])
    subprocess.run(
        [BIN / "segimage2itkimage", "--inputDICOM", "seg.dcm", "--outputDirectory", ".", "--outputType", "nrrd"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    for segment in regions.facts.segments:
        voxels, matrix = read_nrrd(tmp_path / f"{segment.number}.nrrd")
        assert np.array_equal(on_grid(voxels, matrix, here), regions.mask(segment.number))


def test_frames_carry_the_geometry_of_their_source_images(
    artifacts: MakeArtifacts, grid: MakeGrid, case: CaseFacts
) -> None:
    given = artifacts(grid(OBLIQUE))
    sources = {h.SOPInstanceUID: h for h in map(parse, next(a.value for a in given if a.contract is SERIES))}
    seg = parse(encode(given, case)["SEG"])
    shared = seg.SharedFunctionalGroupsSequence[0]
    assert len(seg.PerFrameFunctionalGroupsSequence) == seg.NumberOfFrames == 3 + 2 + 2
    for frame in seg.PerFrameFunctionalGroupsSequence:
        source = sources[frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID]
        assert frame.PlanePositionSequence[0].ImagePositionPatient == source.ImagePositionPatient
        assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == source.ImageOrientationPatient
        assert shared.PixelMeasuresSequence[0].PixelSpacing == source.PixelSpacing
        assert shared.PixelMeasuresSequence[0].SliceThickness == source.SliceThickness
        assert seg.FrameOfReferenceUID == source.FrameOfReferenceUID


def test_no_errors_by_dciodvfy(artifacts: MakeArtifacts, case: CaseFacts, tmp_path: Path) -> None:
    results = encode(artifacts(), case)
    assert validate(results["SEG"], tmp_path / "seg.dcm").split() == ["Segmentation"]
    assert validate(results["SR"], tmp_path / "sr.dcm").split() == ["Comprehensive3DSR"]


def test_every_measurement_is_read_back_by_dcmqi(artifacts: MakeArtifacts, case: CaseFacts, tmp_path: Path) -> None:
    given = artifacts()
    groups = read_with_dcmqi(encode(given, case)["SR"], tmp_path)
    features = next(a.value for a in given if a.contract is FEATURES)
    prediction = next(a.value for a in given if a.contract is PREDICTION)
    regions = next(a.value for a in given if a.contract is REGIONS)
    defined = [f for f in features.features if f.value is not None]
    for segment, group in zip((1, 2), groups, strict=False):
        own = [f for f in defined if f.segment == segment]
        items = group["measurementItems"]
        assert group["ReferencedSegment"] == segment
        assert [float(item["value"]) for item in items] == pytest.approx([f.value for f in own], rel=1e-13)
        assert [item["units"]["CodeValue"] for item in items] == [f.unit for f in own]
        codes = [
            item["quantity"]["CodeValue"] for item in items if item["quantity"]["CodingSchemeDesignator"] == "IBSI"
        ]
        assert codes == [f.ibsi_code for f in own if f.ibsi_code]
        assert items[-1]["quantity"]["CodeMeaning"] == own[-1].name.replace("_", " ").capitalize()
        # No two measurements of a group can be taken for one another.
        names = [json.dumps([item["quantity"], item["measurementModifiers"]]) for item in items]
        assert len(set(names)) == len(own) == 10
    (volume,) = groups[2]["measurementItems"]  # a segment without features
    assert float(volume["value"]) == regions.mask(3).sum() * regions.facts.grid.voxel_volume
    (probability,) = groups[3]["measurementItems"]
    assert float(probability["value"]) == prediction.probability
    upper, lower = (float(p["numPropertyValue"]) for p in probability["measurementNumProperties"])
    assert (prediction.probability - lower, prediction.probability + upper) == pytest.approx(prediction.interval)
    assert probability["measurementModifiers"][0]["modifierValue"]["CodeValue"] == prediction.outcome.value
    assert len(groups) == 4


def test_values_survive_to_the_last_bit(artifacts: MakeArtifacts, case: CaseFacts) -> None:
    given = artifacts()
    features = next(a.value for a in given if a.contract is FEATURES)
    report = highdicom.sr.srread(io.BytesIO(encode(given, case)["SR"]))
    groups = content(report).get_volumetric_roi_measurement_groups()
    values = [m.value for group in groups for m in group.get_measurements()]
    assert values[:-1] == [f.value for f in features.features if f.value is not None]


def test_embeddings_are_named_and_left_out(artifacts: MakeArtifacts, case: CaseFacts, tmp_path: Path) -> None:
    """Nobody reads 512 numbers without a meaning of their own; they stay in the artifact of the case."""
    given = artifacts()
    features = next(a.value for a in given if a.contract is FEATURES)
    deep = [
        Feature(name=f"mean_{at}", family=DEEP, filter=f"net {layer}", value=value, image_role="CT", segment=segment)
        for segment, layer, count in ((1, "fine", 256), (1, "rough", 512), (3, "rough", 512))
        for at, value in enumerate([None, *np.linspace(-3, 3, count - 1)])
    ]
    more = features.model_copy(update={"features": [*features.features, *deep]})
    report = encode(swapped(given, Artifact(FEATURES, more)), case)["SR"]
    assert "Error" not in validate(report, tmp_path / "sr.dcm")
    groups = content(highdicom.sr.srread(io.BytesIO(report))).get_volumetric_roi_measurement_groups()
    assert [len(group.get_measurements()) for group in groups] == [10, 10, 1]  # the third has its volume
    said = "components, kept with the case and left out of this report"
    items = [[item for item in group[0].ContentSequence if item.ValueType == "TEXT"] for group in groups]
    told = [[item.TextValue for item in group if item.name.meaning == "Embedding of the region"] for group in items]
    assert told == [[f"net fine: 256 {said}", f"net rough: 512 {said}"], [], [f"net rough: 512 {said}"]]


def test_report_refers_to_segments_and_lesions(artifacts: MakeArtifacts, case: CaseFacts) -> None:
    given = artifacts()
    results = encode(given, case)
    seg, report = parse(results["SEG"]), highdicom.sr.srread(io.BytesIO(results["SR"]))
    groups = content(report).get_volumetric_roi_measurement_groups()
    regions = next(a.value for a in given if a.contract is REGIONS)
    for segment, description, group in zip(regions.facts.segments, seg.SegmentSequence, groups, strict=True):
        reference: Any = group.referenced_segment
        assert reference.referenced_sop_instance_uid == seg.SOPInstanceUID
        assert list(reference.referenced_segment_numbers) == [segment.number]
        assert reference.source_series_for_segmentation.value == seg.ReferencedSeriesSequence[0].SeriesInstanceUID
        assert description.TrackingUID == group.tracking_uid == segment.tracking_uid
        assert description.TrackingID == group.tracking_identifier == segment.tracking_id
        assert description.SegmentLabel == segment.label
        assert description.SegmentAlgorithmType == segment.algorithm_type
        assert ("SegmentationAlgorithmIdentificationSequence" in description) == (segment.algorithm_type != "MANUAL")
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert [series.SeriesInstanceUID for series in evidence] == [seg.SeriesInstanceUID]


def test_texts_tell_outcome_reasons_limits_and_quality(artifacts: MakeArtifacts, case: CaseFacts) -> None:
    text = "\n".join(texts(encode(artifacts(), case)["SR"]))
    for sentence in (
        "Lung metastasis within 2 years: probability 41% (95% interval 22% to 63%, bootstrap)",
        "high risk (\u2265 0.4)",
        "SUVmax = 9.5 adds +0.336 to the logit",
        "Deletion check passed",
        "Soft-tissue sarcoma before treatment",
        "Research use only; n=51",
        "Warning (harmonize, assumed-weight): The weight was assumed",
        "geary_s_c_measure (CT), geary_s_c_measure (PET)",
        "RESEARCH USE ONLY",
    ):
        assert sentence in text
    assert text.index("SUVmax =") < text.index("volume =")  # the greater contribution first


def test_withheld_prediction_gives_its_reason_and_no_number(
    artifacts: MakeArtifacts, case: CaseFacts, tmp_path: Path
) -> None:
    given = artifacts()
    prediction = next(a.value for a in given if a.contract is PREDICTION)
    withheld = prediction.model_copy(update={"status": "withheld", "reason": "outside the intended use: age 7"})
    data = encode(swapped(given, Artifact(PREDICTION, withheld)), case)["SR"]
    assert read_with_dcmqi(data, tmp_path)[3]["measurementItems"] == []
    text = "\n".join(texts(data))
    assert "no prediction is given (outside the intended use: age 7)" in text
    assert "41%" not in text
    assert "high risk" not in text


def test_failed_deletion_check_warns(artifacts: MakeArtifacts, case: CaseFacts) -> None:
    given = artifacts()
    explanation = next(a.value for a in given if a.contract is EXPLANATION)
    failed = explanation.model_copy(update={"deletion": explanation.deletion.model_copy(update={"passed": False})})
    text = "\n".join(texts(encode(swapped(given, Artifact(EXPLANATION, failed)), case)["SR"]))
    assert "NOT passed" in text


def test_nothing_found_is_a_valid_report(
    artifacts: MakeArtifacts, case: CaseFacts, grid: MakeGrid, tmp_path: Path
) -> None:
    here = grid()
    empty = Regions(np.zeros(here.shape, np.uint8), RegionsFacts(grid=here, source_role="CT", segments=[]))
    given = [a for a in artifacts(here, empty) if a.contract not in (FEATURES, PREDICTION, EXPLANATION)]
    results = encode(given, case)
    assert list(results) == ["SR"]
    assert validate(results["SR"], tmp_path / "sr.dcm").split() == ["Comprehensive3DSR"]
    assert any("found no region on the CT images" in text for text in texts(results["SR"]))
    evidence = parse(results["SR"]).CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert len(evidence.ReferencedSOPSequence) == here.shape[0]


def test_patient_and_study_are_the_source_s(artifacts: MakeArtifacts, case: CaseFacts) -> None:
    given = artifacts()
    source = parse(next(a.value for a in given if a.contract is SERIES)[0])
    for data in encode(given, case).values():
        result = parse(data)
        for keyword in (
            *("PatientID", "PatientName", "PatientSex", "PatientBirthDate", "StudyInstanceUID", "StudyDate"),
            *("StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
        ):
            assert result[keyword].value == source[keyword].value, keyword
        assert (result.Manufacturer, result.SpecificCharacterSet) == ("Lucidray", "ISO_IR 192")
        assert result.SeriesInstanceUID != source.SeriesInstanceUID
        codes = [item.PurposeOfReferenceCodeSequence[0].CodeValue for item in result.ContributingEquipmentSequence]
        assert "109101" not in codes  # the scanner, which is a pseudonym here


def test_equal_inputs_give_equal_bytes(artifacts: MakeArtifacts, case: CaseFacts) -> None:
    assert encode(artifacts(), case) == encode(artifacts()[::-1], case)


def test_uids_are_new_for_other_content_and_other_generations(artifacts: MakeArtifacts, case: CaseFacts) -> None:
    given = artifacts()
    features = next(a.value for a in given if a.contract is FEATURES)
    other = features.model_copy(update={"preset": "other"})
    runs = [
        encode(given, case),
        encode(given, replace(case, generation=1)),
        encode(given, replace(case, quality=())),
        encode(given, case, EncodeParameters(series_number=1)),
        encode(swapped(given, Artifact(FEATURES, other)), case),
    ]
    for kind in ("SEG", "SR"):
        documents = [parse(run[kind]) for run in runs]
        assert len({document.SOPInstanceUID for document in documents}) == len(runs)
        assert len({document.SeriesInstanceUID for document in documents}) == len(runs)


def test_a_report_names_the_one_that_it_replaces(artifacts: MakeArtifacts, case: CaseFacts, tmp_path: Path) -> None:
    former = encode(artifacts(), case)["SR"]
    assert "PredecessorDocumentsSequence" not in dcmread(io.BytesIO(former))
    again = replace(case, case_id="another", study_version=2)
    files = encode([*artifacts(), Artifact(FORMER, [former], "SR")], again)
    old, new = dcmread(io.BytesIO(former)), dcmread(io.BytesIO(files["SR"]))
    [study] = new.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    [instance] = series.ReferencedSOPSequence
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == (old.StudyInstanceUID, old.SeriesInstanceUID)
    assert instance.ReferencedSOPClassUID == old.SOPClassUID
    assert instance.ReferencedSOPInstanceUID == old.SOPInstanceUID != new.SOPInstanceUID
    assert "Error" not in validate(files["SR"], tmp_path / "sr")


def test_uids_do_not_depend_on_the_time(artifacts: MakeArtifacts, case: CaseFacts) -> None:
    later = EncodeStep(EncodeSettings(), ManualClock(datetime(2027, 1, 1, tzinfo=UTC)))
    result = later.run(case, GivenInputs(artifacts()), EncodeParameters())
    first, second = encode(artifacts(), case)["SEG"], result.artifacts[0].value[0]
    assert parse(first).SOPInstanceUID == parse(second).SOPInstanceUID
    assert parse(first).ContentDate == NOON.astimezone().strftime("%Y%m%d") != parse(second).ContentDate


@pytest.mark.parametrize(
    ("allowed", "limitations", "printed"),
    [(True, "n=51", True), (False, "Research use only; n=51", True), (False, "n=51", False)],
)
def test_research_notice(
    artifacts: MakeArtifacts, case: CaseFacts, allowed: bool, limitations: str, printed: bool
) -> None:
    given = artifacts()
    prediction = next(a.value for a in given if a.contract is PREDICTION).model_copy(
        update={"limitations": limitations}
    )
    case = replace(case, workflow="a workflow with a name that is far too long for a series description")
    parameters = EncodeParameters(research_use_only=allowed)
    for data in encode(swapped(given, Artifact(PREDICTION, prediction)), case, parameters).values():
        document = parse(data)
        assert len(document.SeriesDescription) <= 64
        assert document.SeriesDescription.endswith("RESEARCH USE ONLY") == printed
        assert ("ContentQualification" in document) == printed


def test_results_carry_headers_that_scanners_leave_out(
    artifacts: MakeArtifacts, make_slice: MakeSlice, grid: MakeGrid, case: CaseFacts
) -> None:
    here = grid()
    bare = {"AccessionNumber": None, "StudyID": None, "ReferringPhysicianName": None, "SliceThickness": None}
    files = [make_slice(here, z, PatientSex="U", PatientName="one-component", **bare) for z in range(here.shape[0])]
    results = encode(swapped(artifacts(here), Artifact(SERIES, files, "CT")), case)
    assert all(parse(data).AccessionNumber in ("", None) for data in results.values())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ImagePositionPatient": [0, 0, 0]}, "ImagePositionPatient"),
        ({"ImageOrientationPatient": [0, 1, 0, 1, 0, 0]}, "ImageOrientationPatient"),
        ({"PixelSpacing": [1.25, 0.75]}, "PixelSpacing"),
        ({"FrameOfReferenceUID": None}, "FrameOfReferenceUID"),
        ({"Rows": 10}, "Rows or Columns"),
    ],
)
def test_a_slice_that_is_not_where_the_grid_says_is_refused(
    changes: dict[str, Any],
    named: str,
    artifacts: MakeArtifacts,
    make_slice: MakeSlice,
    grid: MakeGrid,
    case: CaseFacts,
) -> None:
    here = grid()
    files = [make_slice(here, z, **(changes if z == 3 else {})) for z in range(here.shape[0])]
    with pytest.raises(Permanent, match=f"slice 3 differs from the volume's grid in {named}"):
        encode(swapped(artifacts(here), Artifact(SERIES, files, "CT")), case)


def test_a_missing_slice_is_named_by_count(artifacts: MakeArtifacts, case: CaseFacts) -> None:
    given = artifacts()
    files = next(a.value for a in given if a.contract is SERIES)
    with pytest.raises(Permanent, match="1 of the volume's 9 slices"):
        encode(swapped(given, Artifact(SERIES, files[1:], "CT")), case)


def test_a_prediction_about_no_region_is_refused(artifacts: MakeArtifacts, case: CaseFacts) -> None:
    given = artifacts()
    prediction = next(a.value for a in given if a.contract is PREDICTION).model_copy(update={"segment": 9})
    with pytest.raises(Permanent, match="segment 9"):
        encode(swapped(given, Artifact(PREDICTION, prediction)), case)


def test_what_the_library_stumbles_over_is_not_quoted(
    artifacts: MakeArtifacts, make_slice: MakeSlice, grid: MakeGrid, case: CaseFacts
) -> None:
    here = grid()
    files = [make_slice(here, z, StudyDate="19991332") for z in range(here.shape[0])]
    with pytest.raises(Permanent) as caught:
        encode(swapped(artifacts(here), Artifact(SERIES, files, "CT")), case)
    assert "19991332" not in str(caught.value)
    assert "SEG" in caught.value.thing


def content(report: Any) -> highdicom.sr.MeasurementReport:
    return highdicom.sr.MeasurementReport.from_sequence(report.content)


def parse(data: bytes) -> Dataset:
    return dcmread(io.BytesIO(data))


def texts(data: bytes) -> list[str]:
    items = highdicom.sr.utils.find_content_items(
        parse(data), value_type=highdicom.sr.ValueTypeValues.TEXT, recursive=True
    )
    return [item.TextValue for item in items]


def read_with_dcmqi(data: bytes, folder: Path) -> list[dict[str, Any]]:
    (folder / "sr.dcm").write_bytes(data)
    subprocess.run(
        [BIN / "tid1500reader", "--inputDICOM", "sr.dcm", "--outputMetadata", "sr.json"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    groups: list[dict[str, Any]] = json.loads((folder / "sr.json").read_text())["Measurements"]
    return groups
