"""The zoo's tabular bundle, variants of it, and a case to predict for."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Concept, Regions, RegionsFacts, Segment, Volume, VolumeFacts
from lucidray.contracts.results import Feature, Features
from lucidray.serving.bundle import MANIFEST, Bundle, BundleShelf, write_bundle

SUV = "{SUVbw}g/ml"
NEOPLASM = Concept(value="108369006", scheme="SCT", meaning="Neoplasm")


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return BundleShelf().find("sts-metastasis")


@pytest.fixture
def variant(bundle: Bundle, tmp_path: Path) -> Callable[..., Bundle]:
    """The same network under a changed manifest."""

    def make(**changes: Any) -> Bundle:
        content = yaml.safe_load((bundle.folder / MANIFEST).read_text("utf-8")) | changes
        files = {name: bundle.read(name) for name in content.pop("files")}
        return write_bundle(tmp_path / "shelf" / "variant", content, files)

    return make


@pytest.fixture
def features(bundle: Bundle) -> Features:
    """A patient at the training mean, region 1."""
    return features_at(bundle, [each.mean or 0 for each in bundle.manifest.features])


@pytest.fixture
def make_features(bundle: Bundle) -> Callable[..., Features]:
    def make(values: Sequence[float | None], segments: Sequence[int] = (1,)) -> Features:
        return features_at(bundle, values, segments)

    return make


def features_at(bundle: Bundle, values: Sequence[float | None], segments: Sequence[int] = (1,)) -> Features:
    assert bundle.manifest.preset is not None
    measured = [
        Feature(
            name=wanted.feature,
            ibsi_code=wanted.ibsi_code,
            family="any",
            value=value,
            unit=wanted.unit,
            image_role="PET",
            segment=segment,
        )
        for segment in segments
        for wanted, value in zip(bundle.manifest.features, values, strict=True)
    ]
    preset = bundle.manifest.preset
    return Features(preset=preset.name, preset_digest=preset.digest, software="test", features=measured)


@pytest.fixture
def make_volume() -> Callable[..., Volume]:
    def make(spacing: tuple[float, float, float] = (3.27, 4, 4), **changes: Any) -> Volume:
        voxels = np.zeros((6, 6, 6), np.float32)
        grid = Grid(shape=(6, 6, 6), spacing=spacing, origin=(0, 0, 0), axes=((0, 0, 1), (0, 1, 0), (1, 0, 0)))
        facts = {
            "grid": grid,
            "modality": "PT",
            "unit": SUV,
            "study_instance_uid": "2.25.1",
            "series_instance_uid": "2.25.2",
            "sop_class_uid": "1.2.840.10008.5.1.4.1.1.128",
            "sop_instance_uids": [],
        }
        return Volume(voxels, VolumeFacts.model_validate(facts | changes))

    return make


@pytest.fixture
def make_regions() -> Callable[..., Regions]:
    """Regions of so many voxels each."""

    def make(*sizes: int, targets: Sequence[bool] = ()) -> Regions:
        labels = np.zeros(216, np.uint8)
        for number, (start, size) in enumerate(zip(np.cumsum([0, *sizes]), sizes, strict=False), 1):
            labels[start : start + size] = number
        segments = [
            Segment(
                number=number,
                label=f"Lesion {number}",
                category=NEOPLASM,
                type=NEOPLASM,
                algorithm_type="MANUAL",
                algorithm_name="reader",
                tracking_uid=f"2.25.{number}",
                tracking_id=f"lesion-{number}",
                target=targets[number - 1] if targets else True,
            )
            for number in range(1, len(sizes) + 1)
        ]
        grid = Grid(shape=(6, 6, 6), spacing=(3.27, 4, 4), origin=(0, 0, 0), axes=((0, 0, 1), (0, 1, 0), (1, 0, 0)))
        return Regions(labels.reshape(6, 6, 6), RegionsFacts(grid=grid, source_role="PET", segments=segments))

    return make
