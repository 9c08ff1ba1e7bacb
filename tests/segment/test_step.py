"""Segment: the study's own contours, else the pinned bundle; nothing found is an answer too."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.harmonize.studies import CASE, harmonized, real_patient, real_series, series, series_of, volumes

from lucidray.contracts.catalogue import REGIONS, SERIES, VOLUME
from lucidray.contracts.images import Regions, Volume
from lucidray.contracts.parameters import SegmentParameters
from lucidray.core.errors import NoCompatibleWorker, Permanent
from lucidray.imaging.codes import LESION, NEOPLASM
from lucidray.phantom import PhantomStudy, make_study
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs, StepResult
from lucidray.segment.settings import SegmentSettings
from lucidray.segment.step import SegmentStep
from lucidray.serving.bundle import BundleShelf
from lucidray.serving.settings import BundleSettings

NAME = "pet-suv-threshold"
SHELF = BundleShelf(BundleSettings().folders)
Given = list[Artifact[Any]]


@pytest.fixture(scope="module")
def study() -> PhantomStudy:
    return make_study(3)


@pytest.fixture(scope="module")
def given(study: PhantomStudy) -> Given:
    """Series and volumes, as the steps before leave them."""
    read = series_of(study)
    return [*read, *harmonized(read).artifacts]


def segmented(given: Sequence[Artifact[Any]], bundles: Mapping[str, str] | None = None, **said: Any) -> StepResult:
    pinned = {NAME: SHELF.find(NAME).digest} if bundles is None else bundles
    case = CaseFacts(CASE.case_id, "s", 1, "p", "w", bundles=pinned)
    return SegmentStep(SegmentSettings(), SHELF).run(case, GivenInputs(given), SegmentParameters(**said))


def regions(result: StepResult) -> Regions:
    (artifact,) = result.artifacts
    assert artifact.contract is REGIONS
    found: Regions = artifact.value
    return found


def codes(result: StepResult) -> list[str]:
    return [flag.code for flag in result.quality]


def dice(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def without(given: Given, *roles: str) -> Given:
    return [each for each in given if each.role not in roles]


def altered(given: Given, role: str, voxels: npt.NDArray[Any], **facts: Any) -> Given:
    """The same case with other voxels in a volume."""
    volume = next(each.value for each in given if each.contract is VOLUME and each.role == role)
    other = Volume(voxels, volume.facts.model_copy(update=facts))
    return [Artifact(VOLUME, other, role) if each.contract is VOLUME and each.role == role else each for each in given]


def test_contours_of_the_study_are_filled_on_the_finest_image(study: PhantomStudy, given: Given) -> None:
    result = segmented(given)
    found = regions(result)
    assert found.facts.source_role == "CT"
    truth = study.truth.mask(found.facts.grid.affine, found.facts.grid.shape)
    assert dice(found.mask(1), truth) > 0.99
    (segment,) = found.facts.segments
    assert (segment.label, segment.type, segment.algorithm_name) == ("GTV", NEOPLASM, "RTSTRUCT")
    assert codes(result) == []
    assert result.summary["regions"] == "1"


def test_contours_on_the_pet_grid(study: PhantomStudy, given: Given) -> None:
    found = regions(segmented(given, source_role="PET"))
    grid = found.facts.grid
    assert grid == volumes(harmonized(series_of(study, "PET")))["PET"].grid
    assert dice(found.mask(1), study.truth.mask(grid.affine, grid.shape)) > 0.85


def test_the_bundle_stands_in_where_there_is_no_structure_set(study: PhantomStudy, given: Given) -> None:
    result = segmented(without(given, "RTSTRUCT"))
    found = regions(result)
    assert found.facts.source_role == "PET"
    assert dice(found.mask(1), study.truth.mask(found.facts.grid.affine, found.facts.grid.shape)) > 0.8
    segment = found.facts.segments[0]
    assert (segment.algorithm_type, segment.algorithm_name, segment.type) == ("AUTOMATIC", NAME, LESION)
    assert segment.algorithm_version == SHELF.find(NAME).version
    assert "automatic-regions" in codes(result)


def test_the_bundle_is_exactly_the_threshold(given: Given) -> None:
    found = regions(segmented(given, source="bundle", minimum_volume_ml=0, maximum_lesions=255))
    pet = next(each.value for each in given if each.contract is VOLUME and each.role == "PET")
    assert np.array_equal(found.labels > 0, pet.voxels >= 2.5)


def test_the_same_case_gives_the_same_bytes(given: Given) -> None:
    for source in ("rtstruct", "bundle"):
        written = [REGIONS.write(regions(segmented(given, source=source))) for _ in range(2)]
        assert written[0] == written[1]


def test_nothing_found_is_an_empty_map_and_a_flag(given: Given) -> None:
    pet = next(each.value for each in given if each.contract is VOLUME and each.role == "PET")
    result = segmented(altered(given, "PET", np.zeros_like(pet.voxels)), source="bundle")
    found = regions(result)
    assert found.facts.segments == []
    assert not found.labels.any()
    assert "no-lesion" in codes(result)
    assert result.summary == {"regions": "0"}


def test_workflow_limits_number_and_volume(given: Given) -> None:
    pet = next(each.value for each in given if each.contract is VOLUME and each.role == "PET")
    voxels = np.zeros_like(pet.voxels)
    voxels[2:6, 2:6, 2:6] = voxels[10:13, 10:13, 10:13] = voxels[16, 20, 20] = 5.0
    two = segmented(altered(given, "PET", voxels), source="bundle")
    assert len(regions(two).facts.segments) == 2
    assert "small-components" in codes(two)
    one = segmented(altered(given, "PET", voxels), source="bundle", maximum_lesions=1)
    assert len(regions(one).facts.segments) == 1
    assert regions(one).mask(1)[3, 3, 3]
    assert "lesions-left-out" in codes(one)


def test_lesions_have_their_own_tracking(given: Given) -> None:
    pet = next(each.value for each in given if each.contract is VOLUME and each.role == "PET")
    voxels = np.zeros_like(pet.voxels)
    voxels[2:6, 2:6, 2:6] = voxels[10:13, 10:13, 10:13] = 5.0
    segments = regions(segmented(altered(given, "PET", voxels), source="bundle")).facts.segments
    assert [each.number for each in segments] == [1, 2]
    assert len({each.tracking_uid for each in segments}) == 2


def test_bundle_must_be_pinned(given: Given) -> None:
    with pytest.raises(Permanent, match="no bundle is pinned"):
        segmented(given, {}, source="bundle")
    with pytest.raises(Permanent, match="'other'.*was not pinned"):
        segmented(given, source="bundle", bundle="other")


def test_pinned_bundle_that_this_worker_lacks(given: Given) -> None:
    with pytest.raises(NoCompatibleWorker):
        segmented(given, {NAME: "0" * 64}, source="bundle")


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"modality": "MR", "unit": "1"}, "role 'PET' is MR in 1, not PT"),
        ({"scanner": {"CorrectedImage": "DECY"}}, "lacks the corrections ATTN"),
    ],
)
def test_images_that_the_bundle_was_not_made_for(given: Given, facts: dict[str, Any], named: str) -> None:
    pet = next(each.value for each in given if each.contract is VOLUME and each.role == "PET")
    with pytest.raises(Permanent, match=named):
        segmented(altered(given, "PET", pet.voxels, **facts), source="bundle")


def test_spacing_outside_the_limits(given: Given) -> None:
    pet = next(each.value for each in given if each.contract is VOLUME and each.role == "PET")
    coarse = pet.grid.model_copy(update={"spacing": (20.0, 8.0, 8.0)})
    with pytest.raises(Permanent, match="20 x 8 x 8 mm"):
        segmented(altered(given, "PET", pet.voxels, grid=coarse), source="bundle")


def test_missing_image_of_the_bundle(given: Given) -> None:
    with pytest.raises(Permanent, match="image of role 'PET', which the case has not"):
        segmented(without(given, "PET"), source="bundle")


def renamed(study: PhantomStudy, given: Given, name: str, kind: str) -> Given:
    """The study with another name and interpreted type of its region."""
    structures = deepcopy(study.of("RTSTRUCT"))
    structures[0].StructureSetROISequence[0].ROIName = name
    structures[0].RTROIObservationsSequence[0].RTROIInterpretedType = kind
    return [*without(given, "RTSTRUCT"), series("RTSTRUCT", structures)]


def test_emptied_names_fall_back_to_the_interpreted_type(study: PhantomStudy, given: Given) -> None:
    found = regions(segmented(renamed(study, given, "", "GTV"), source="rtstruct"))
    assert found.facts.segments[0].label == "GTV"


def test_no_matching_region(study: PhantomStudy, given: Given) -> None:
    other = renamed(study, given, "Planted^Name", "ORGAN")
    with pytest.raises(Permanent, match="none of its 1 regions of interest matches") as failure:
        segmented(other, source="rtstruct")
    assert "Planted" not in str(failure.value)
    assert regions(segmented(other)).facts.segments[0].algorithm_name == NAME  # rtstruct-or-bundle


def test_no_structure_set_where_one_is_demanded(given: Given) -> None:
    with pytest.raises(Permanent, match="'series' of role 'RTSTRUCT'"):
        segmented(without(given, "RTSTRUCT"), source="rtstruct")


def test_image_references_are_not_followed(study: PhantomStudy, given: Given) -> None:
    """In real structure sets they resolve to nothing."""
    structures = deepcopy(study.of("RTSTRUCT"))
    for contour in structures[0].ROIContourSequence[0].ContourSequence:
        contour.ContourImageSequence[0].ReferencedSOPInstanceUID = "1.2.3.4.5"
    lost = [*without(given, "RTSTRUCT"), series("RTSTRUCT", structures)]
    assert REGIONS.write(regions(segmented(lost))) == REGIONS.write(regions(segmented(given)))


def test_another_frame_of_reference_is_refused(study: PhantomStudy, given: Given) -> None:
    structures = deepcopy(study.of("RTSTRUCT"))
    structures[0].StructureSetROISequence[0].ReferencedFrameOfReferenceUID = "1.2.3.4.5"
    moved = [*without(given, "RTSTRUCT"), series("RTSTRUCT", structures)]
    with pytest.raises(Permanent, match="no image of the case has its frame of reference"):
        segmented(moved)
    with pytest.raises(Permanent, match="frame of reference is not that of the image"):
        segmented(moved, source_role="CT")


def test_overlapping_regions_keep_the_lower_number(study: PhantomStudy, given: Given) -> None:
    structures = deepcopy(study.of("RTSTRUCT"))
    one = structures[0]
    twin_roi, twin_contour = deepcopy(one.StructureSetROISequence[0]), deepcopy(one.ROIContourSequence[0])
    twin_roi.ROINumber = twin_contour.ReferencedROINumber = 2
    for contour in twin_contour.ContourSequence:
        contour.ContourData = [
            float(value) + (6.0 if i % 3 == 0 else 0.0) for i, value in enumerate(contour.ContourData)
        ]
    one.StructureSetROISequence.append(twin_roi)
    one.ROIContourSequence.append(twin_contour)
    result = segmented([*without(given, "RTSTRUCT"), series("RTSTRUCT", structures)])
    found = regions(result)
    assert "overlapping-regions" in codes(result)
    assert [each.label for each in found.facts.segments] == ["GTV 1", "GTV 2"]
    assert np.array_equal(found.mask(1), regions(segmented(given)).mask(1))


def test_regions_that_no_label_map_holds_are_left_out_with_a_remark(study: PhantomStudy, given: Given) -> None:
    structures = deepcopy(study.of("RTSTRUCT"))
    one = structures[0]
    for number in range(2, 258):
        roi, contour = deepcopy(one.StructureSetROISequence[0]), deepcopy(one.ROIContourSequence[0])
        roi.ROINumber = contour.ReferencedROINumber = number
        one.StructureSetROISequence.append(roi)
        one.ROIContourSequence.append(contour)
    result = segmented([*without(given, "RTSTRUCT"), series("RTSTRUCT", structures)])
    (flag,) = [flag for flag in result.quality if flag.code == "too-many-regions"]
    assert flag.message.startswith("2 ROIs")


def test_a_pattern_that_does_not_compile_is_no_parameter() -> None:
    with pytest.raises(ValueError, match="regular expression"):
        SegmentParameters(roi_name="(")


@pytest.mark.data
@pytest.mark.parametrize(
    ("drawn_on", "source_role", "millilitres", "mean"),
    [("CT", "CT", 260.196, 37.8437), ("PET", "PET", 259.311, 7.85695), ("PET", "CT", 260.196, 37.8437)],
)
def test_real_structure_set(drawn_on: str, source_role: str, millilitres: float, mean: float) -> None:
    """STS_006, whose references resolve to nothing: volume and mean intensity as an independent reading gave."""
    read = [
        *(real_series(role, real_patient("STS_006", role) / "image") for role in ("CT", "PET")),
        real_series("RTSTRUCT", Path(real_patient("STS_006", drawn_on)) / "mask"),
    ]
    assert {each.contract for each in read} == {SERIES}
    made = harmonized(read)
    found = regions(segmented([*read, *made.artifacts], source_role=source_role))
    mask = found.mask(1)
    assert mask.sum() * found.facts.grid.voxel_volume / 1000 == pytest.approx(millilitres, rel=1e-5)
    assert volumes(made)[source_role].voxels[mask].mean() == pytest.approx(mean, rel=1e-5)
