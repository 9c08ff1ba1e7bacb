"""Volumes and regions to measure."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.contracts.grid import Grid, Vector
from lucidray.contracts.images import Concept, Regions, RegionsFacts, Segment, Volume, VolumeFacts

SUV = "{SUVbw}g/ml"

MakeGrid = Callable[..., Grid]
MakeVolume = Callable[..., Volume]
MakeRegions = Callable[..., Regions]


@pytest.fixture(scope="session")
def ibsi_data() -> Path:
    """Reference data of the IBSI."""
    default = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("LUCIDRAY_DATA", default)) / "ibsi"
    if not folder.is_dir():
        pytest.skip("needs the IBSI reference data in LUCIDRAY_DATA/ibsi")
    return folder


@pytest.fixture(scope="session")
def make_grid() -> MakeGrid:
    return _grid


def _grid(shape: tuple[int, ...], spacing: Vector = (1, 1, 1), origin: Vector = (0, 0, 0)) -> Grid:
    slices, rows, columns = shape
    return Grid(shape=(slices, rows, columns), spacing=spacing, origin=origin, axes=((0, 0, 1), (0, 1, 0), (1, 0, 0)))


@pytest.fixture
def make_volume() -> MakeVolume:
    def make(
        voxels: npt.NDArray[Any],
        spacing: Vector = (1, 1, 1),
        origin: Vector = (0, 0, 0),
        modality: str = "PT",
        unit: str = SUV,
    ) -> Volume:
        facts = VolumeFacts(
            grid=_grid(voxels.shape, spacing, origin),
            modality=modality,
            unit=unit,
            study_instance_uid="2.25.1",
            series_instance_uid="2.25.2",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.128",
            sop_instance_uids=[],
        )
        if modality == "CT":
            return Volume(voxels.astype(np.int16), facts)
        return Volume(voxels.astype(np.float32), facts)

    return make


@pytest.fixture
def make_regions() -> MakeRegions:
    def make(labels: npt.NDArray[np.uint8], grid: Grid, targets: tuple[bool, ...] = (True,)) -> Regions:
        lesion = Concept(value="108369006", scheme="SCT", meaning="Neoplasm")
        segments = [
            Segment(
                number=number,
                label=f"Lesion {number}",
                category=lesion,
                type=lesion,
                algorithm_type="MANUAL",
                algorithm_name="reader",
                tracking_uid=f"2.25.{number}",
                tracking_id=f"lesion-{number}",
                target=target,
            )
            for number, target in enumerate(targets, 1)
        ]
        return Regions(labels, RegionsFacts(grid=grid, source_role="PET", segments=segments))

    return make
