"""Image artifacts survive being written and read."""

import json
from typing import Any

import numpy as np
import pytest

from lucidray.contracts.base import JSON, NPY, Part
from lucidray.contracts.catalogue import REGIONS, SERIES, VOLUME
from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Concept, Regions, RegionsFacts, Segment, Volume, VolumeFacts, from_npy, to_npy
from lucidray.core.errors import Permanent

GRID = Grid(shape=(2, 3, 4), spacing=(3.0, 1.5, 1.0), origin=(-10, -20, 30), axes=((0, 0, 1), (0, 1, 0), (1, 0, 0)))


def a_volume() -> Volume:
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 12
    facts = VolumeFacts(
        grid=GRID,
        modality="CT",
        unit="[hnsf'U]",
        study_instance_uid="2.25.1",
        series_instance_uid="2.25.2",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uids=["2.25.3", "2.25.4"],
        acquired_at="",
    )
    return Volume(voxels, facts)


def test_volume_round_trip() -> None:
    volume = a_volume()
    again = VOLUME.read(VOLUME.write(volume))
    assert again.facts == volume.facts
    np.testing.assert_array_equal(again.voxels, volume.voxels)


def test_equal_volumes_have_equal_bytes() -> None:
    assert VOLUME.write(a_volume()) == VOLUME.write(a_volume())


def test_regions_round_trip() -> None:
    labels = np.zeros((2, 3, 4), np.uint8)
    labels[1, 1:, 2] = 1
    concept = Concept(value="108369006", scheme="SCT", meaning="Neoplasm")
    segment = Segment(
        number=1,
        label="lesion",
        category=concept,
        type=concept,
        algorithm_type="AUTOMATIC",
        algorithm_name="pet-suv-threshold",
        algorithm_version="1",
        tracking_uid="2.25.9",
        tracking_id="lesion-1",
        target=True,
    )
    regions = Regions(labels, RegionsFacts(grid=GRID, source_role="PET", segments=[segment]))
    again = REGIONS.read(REGIONS.write(regions))
    assert again.mask(1).sum() == 2
    assert again.facts == regions.facts


def test_an_array_that_does_not_fit_its_grid_is_refused() -> None:
    facts, _ = VOLUME.write(a_volume())
    with pytest.raises(Permanent, match="artifact 'volume'"):
        VOLUME.read([facts, Part("voxels.npy", NPY, to_npy(np.zeros((2, 3, 5), np.int16)))])
    with pytest.raises(Permanent, match="artifact 'volume'"):
        VOLUME.read([facts, Part("voxels.npy", NPY, to_npy(np.zeros((2, 3, 4), np.float64)))])


def test_garbled_parts_are_refused() -> None:
    facts, array = VOLUME.write(a_volume())
    for parts in ([facts], [facts, Part("voxels.npy", NPY, b"garbage")], [Part("volume.json", JSON, b"{}"), array]):
        with pytest.raises(Permanent, match="recompute"):
            VOLUME.read(parts)


def test_pickles_are_never_loaded() -> None:
    header = to_npy(np.zeros(1)).replace(b"'<f8'", b"'|O' ")
    with pytest.raises(ValueError, match="numbers"):
        from_npy(header)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_dicom_files_round_trip(count: int) -> None:
    files = [bytes([number]) * (1000 + number) for number in range(count)]
    parts = SERIES.write(files)
    assert len(parts) == 1
    assert SERIES.read(parts) == files
    assert SERIES.write(files) == parts


def test_grid_affine_maps_indices_to_patient_coordinates() -> None:
    point = GRID.affine @ [1, 2, 3, 1]
    np.testing.assert_allclose(point[:3], [-10 + 3 * 1.0, -20 + 2 * 1.5, 30 + 3.0])
    assert GRID.voxel_volume == pytest.approx(4.5)
    assert GRID.same_space(GRID.model_copy(update={"frame_of_reference_uid": "x"}))
    assert not GRID.same_space(GRID.model_copy(update={"origin": (-10, -20, 30.1)}))


def test_skewed_axes_are_refused() -> None:
    facts = json.loads(GRID.model_dump_json())
    facts["axes"][0] = [0, 0.1, 1]
    with pytest.raises(ValueError, match="orthonormal"):
        Grid.model_validate(facts)


@pytest.mark.parametrize(
    "change", [{"spacing": (np.nan, 1, 1)}, {"spacing": (1, np.inf, 1)}, {"origin": (0, np.nan, 0)}]
)
def test_a_grid_lies_at_finite_places(change: dict[str, Any]) -> None:
    sound = {"shape": (2, 2, 2), "spacing": (1, 1, 1), "origin": (0, 0, 0), "axes": ((0, 0, 1), (0, 1, 0), (1, 0, 0))}
    assert Grid.model_validate(sound)
    with pytest.raises(ValueError, match="must be finite"):
        Grid.model_validate(sound | change)
