"""Inspecting data sets: damaged ones are accepted or refused, never anything else."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless
from tests.gateway.node import NATIVE, ct, data_set, part10

from lucidray.gateway.command import StoreRequest
from lucidray.gateway.inspection import ROWS, NotAccepted, inspect
from lucidray.imaging.elements import encoding_of, walk

LIMIT = 1 << 20
DATA = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[2] / "../shared/data"))
DATASET = ct(8)
REQUEST = StoreRequest(1, CTImageStorage.encode(), str(DATASET.SOPInstanceUID).encode())
BODIES: dict[str, bytes] = {syntax: data_set(part10(DATASET, syntax)) for syntax in (*NATIVE, RLELossless)}


@pytest.mark.parametrize("syntax", BODIES)
def test_a_whole_object_tells_whose_it_is(syntax: str) -> None:
    identity = inspect(memoryview(BODIES[syntax]), syntax, REQUEST, LIMIT)
    assert identity.sop_instance_uid == DATASET.SOPInstanceUID
    assert identity.study_instance_uid == "1.2.3.100"
    assert identity.series_instance_uid == "1.2.3.100.1"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless])
def test_no_cut_object_is_accepted(syntax: str) -> None:
    body = BODIES[syntax]
    # Cut between two elements before Rows it is a whole data set, and nothing says that it was an image.
    whole = {token.end for token in walk(body, encoding_of(syntax)) if token.tag < ROWS}
    for length in set(range(len(body))) - whole:
        with pytest.raises(NotAccepted):
            inspect(memoryview(body[:length]), syntax, REQUEST, LIMIT)


@given(st.sampled_from(list(BODIES)), st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_a_damaged_object_is_accepted_or_refused(syntax: str, at: int, damage: bytes) -> None:
    body = bytearray(BODIES[syntax])
    at %= len(body)
    body[at : at + len(damage)] = damage
    try:
        inspect(memoryview(bytes(body)), syntax, REQUEST, LIMIT)
    except NotAccepted as refused:
        assert "Planted" not in str(refused)
        assert refused.cause
        assert refused.remedy


def test_subsampled_chroma_takes_less() -> None:
    dataset: Dataset = ct(8)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "YBR_FULL_422"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.PixelData = bytes(8 * 8 * 2)
    request = StoreRequest(1, CTImageStorage.encode(), str(dataset.SOPInstanceUID).encode())
    inspect(memoryview(data_set(part10(dataset))), ExplicitVRLittleEndian, request, LIMIT)
    dataset.PixelData = bytes(8 * 8 * 2 - 2)
    with pytest.raises(NotAccepted, match="2 bytes short"):
        inspect(memoryview(data_set(part10(dataset))), ExplicitVRLittleEndian, request, LIMIT)


@pytest.mark.data
def test_real_objects_of_many_makers_are_accepted() -> None:
    folders = ("interop/dicom2nifti_vendors", "interop/dcm_qa_ts_nine_transfer_syntaxes", "sts_cohort")
    files = [path for folder in folders for path in sorted((DATA / folder).rglob("*.dcm"))]
    if not files:
        pytest.skip(f"needs {', '.join(folders)} of LUCIDRAY_DATA")
    for path in files[:: max(1, len(files) // 100)]:
        file = path.read_bytes()
        header = dcmread(path, specific_tags=["SOPClassUID", "SOPInstanceUID"], stop_before_pixels=True)
        request = StoreRequest(1, header.SOPClassUID.encode(), header.SOPInstanceUID.encode())
        inspect(memoryview(data_set(file)), str(header.file_meta.TransferSyntaxUID), request, 1 << 30)
