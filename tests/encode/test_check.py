"""The check after writing sees what is wrong with a result."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from lucidray.contracts.catalogue import REGIONS, SERIES, VOLUME
from lucidray.contracts.images import Regions
from lucidray.contracts.parameters import EncodeParameters
from lucidray.core.clock import ManualClock
from lucidray.core.errors import Permanent
from lucidray.encode.check import check_report, check_segmentation, measured_values
from lucidray.encode.settings import EncodeSettings
from lucidray.encode.source import SourceSeries, read_source
from lucidray.encode.step import EncodeStep
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs

Change = Callable[[Dataset], None]


@pytest.fixture
def given(artifacts: Callable[[], list[Artifact[Any]]]) -> list[Artifact[Any]]:
    return artifacts()


@pytest.fixture
def results(given: list[Artifact[Any]], case: CaseFacts) -> dict[str, bytes]:
    outputs = EncodeStep(EncodeSettings(), ManualClock()).run(case, GivenInputs(given), EncodeParameters()).artifacts
    return {artifact.role: artifact.value[0] for artifact in outputs}


@pytest.fixture
def regions(given: list[Artifact[Any]]) -> Regions:
    found: Regions = next(artifact.value for artifact in given if artifact.contract is REGIONS)
    return found


@pytest.fixture
def source(given: list[Artifact[Any]]) -> SourceSeries:
    files = next(artifact.value for artifact in given if artifact.contract is SERIES)
    return read_source(files, next(artifact.value for artifact in given if artifact.contract is VOLUME).facts)


def changed(data: bytes, change: Change) -> bytes:
    document = dcmread(io.BytesIO(data))
    change(document)
    buffer = io.BytesIO()
    document.save_as(buffer)
    return buffer.getvalue()


def flip_a_pixel(seg: Dataset) -> None:
    pixels = bytearray(seg.PixelData)
    pixels[100] ^= 1
    seg.PixelData = bytes(pixels)


def shift_a_frame(seg: Dataset) -> None:
    seg.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence[0].ImagePositionPatient = [0, 0, 0]


def refer_elsewhere(seg: Dataset) -> None:
    derivation = seg.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0]
    derivation.SourceImageSequence[0].ReferencedSOPInstanceUID = "2.25.1"


def rename_a_segment(seg: Dataset) -> None:
    seg.PerFrameFunctionalGroupsSequence[0].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 2


def lose_a_frame(seg: Dataset) -> None:
    del seg.PerFrameFunctionalGroupsSequence[-1]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (flip_a_pixel, "differs from segment"),
        (shift_a_frame, "frame 3 lies beside its image"),
        (refer_elsewhere, "frame 1 refers to an object outside the source series"),
        (rename_a_segment, "of no slice of segment 2"),
        (lose_a_frame, "1 frames are missing"),
    ],
)
def test_a_wrong_segmentation_does_not_pass(
    change: Change, fault: str, results: dict[str, bytes], regions: Regions, source: SourceSeries
) -> None:
    check_segmentation(results["SEG"], regions, source)
    with pytest.raises(Permanent, match=fault):
        check_segmentation(changed(results["SEG"], change), regions, source)


def test_a_wrong_report_does_not_pass(results: dict[str, bytes]) -> None:
    report = dcmread(io.BytesIO(results["SR"]))
    values = measured_values([report])
    segmentation = str(dcmread(io.BytesIO(results["SEG"])).SOPInstanceUID)
    check_report(results["SR"], values, segmentation, [1, 2, 3])
    for wrong in ((values[:-1], segmentation, [1, 2, 3]), (values, "2.25.1", [1, 2, 3]), (values, segmentation, [1])):
        with pytest.raises(Permanent, match="result SR"):
            check_report(results["SR"], *wrong)
