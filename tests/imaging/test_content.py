"""The content digest does not depend on the encoding, and on nothing else than the content."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from lucidray.core.errors import Permanent
from lucidray.imaging.content import content_digest, differs

DATA = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[2] / "../shared/data"))
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian)
ROWS, COLUMNS = 65, 33  # odd, so that native pixels need a padding byte


def image(samples: int = 1, frames: int = 1) -> Dataset:
    """A small image with what encodings differ in: private elements, sequences, padding."""
    dataset = Dataset()
    dataset.SOPClassUID = SecondaryCaptureImageStorage if samples > 1 else CTImageStorage
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.SeriesInstanceUID = "1.2.3.5"
    dataset.PatientName = "Planted^Name"
    dataset.ImagePositionPatient = [-1.5, 2, 3]
    dataset.SmallestImagePixelValue = 3
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "T-1", "SRT", "odd"
    deeper = Dataset()
    deeper.add_new(0x00081150, "UI", CTImageStorage)
    item.PurposeOfReferenceCodeSequence = Sequence([deeper])
    dataset.AnatomicRegionSequence = Sequence([item, Dataset()])
    block = dataset.private_block(0x0009, "LUCIDRAY TEST", create=True)
    block.add_new(0x01, "LO", "text")
    block.add_new(0x02, "US", 0x2000)
    nested = Dataset()
    nested.PatientID = "inside"
    block.add_new(0x03, "SQ", Sequence([nested]))
    values = np.random.default_rng(1).integers(0, 1 << 8 if samples > 1 else 1 << 12, (frames, ROWS, COLUMNS, samples))
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = ROWS, COLUMNS, samples
    dataset.BitsAllocated = 8 if samples > 1 else 16
    dataset.BitsStored = 8 if samples > 1 else 12
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 0
    dataset.PhotometricInterpretation = "RGB" if samples > 1 else "MONOCHROME2"
    if samples > 1:
        dataset.PlanarConfiguration = 0
    if frames > 1:
        dataset.NumberOfFrames = frames
    pixels = values.astype("u1" if samples > 1 else "<u2").tobytes()
    dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
    dataset["PixelData"].VR = "OB" if samples > 1 else "OW"
    return dataset


def written(dataset: Dataset, transfer_syntax: str) -> bytes:
    """`dataset`, which is native little endian, as a Part 10 file."""
    copy = dcmread(io.BytesIO(_save(dataset, ExplicitVRLittleEndian)))
    if transfer_syntax in NATIVE:
        if transfer_syntax == ExplicitVRBigEndian and copy.BitsAllocated == 16:
            copy.PixelData = np.frombuffer(copy.PixelData, "<u2").astype(">u2").tobytes()
        return _save(copy, transfer_syntax)
    copy.compress(transfer_syntax, generate_instance_uid=False)
    return _save(copy, transfer_syntax)


def _save(dataset: Dataset, transfer_syntax: str) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    plain = Dataset(dataset)
    plain.file_meta = meta
    buffer = io.BytesIO()
    plain.save_as(
        buffer,
        enforce_file_format=True,
        implicit_vr=transfer_syntax == ImplicitVRLittleEndian,
        little_endian=transfer_syntax != ExplicitVRBigEndian,
    )
    return buffer.getvalue()


@pytest.mark.parametrize("samples, frames", [(1, 1), (1, 3), (3, 1), (3, 2)])
@pytest.mark.parametrize("transfer_syntax", [*NATIVE, RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_same_in_every_lossless_transfer_syntax(transfer_syntax: str, samples: int, frames: int) -> None:
    original = content_digest(written(image(samples, frames), ExplicitVRLittleEndian))
    assert differs(original, content_digest(written(image(samples, frames), transfer_syntax))) == "same"


def test_padding_group_lengths_and_planes_are_encoding() -> None:
    plain, other = image(3), image(3)
    other.add_new(0x00080000, "UL", 4)
    other.add_new(0xFFFCFFFC, "OB", b"\0\0")
    other.PatientName = "Planted^Name  "
    pixels = np.frombuffer(other.PixelData, "u1", ROWS * COLUMNS * 3).reshape(-1, 3).T.tobytes()
    other.PixelData, other.PlanarConfiguration = pixels + b"\0", 1
    assert content_digest(_save(plain, ExplicitVRLittleEndian)) == content_digest(_save(other, ExplicitVRLittleEndian))


def test_sequences_of_defined_and_undefined_length_are_the_same() -> None:
    defined, undefined = image(), image()
    undefined["AnatomicRegionSequence"].is_undefined_length = True
    undefined.AnatomicRegionSequence[0].is_undefined_length_sequence_item = True
    first, second = _save(defined, ExplicitVRLittleEndian), _save(undefined, ExplicitVRLittleEndian)
    assert first != second
    assert content_digest(first) == content_digest(second)


def _name(dataset: Dataset) -> None:
    dataset.PatientName = "Other^Name"


def _private(dataset: Dataset) -> None:
    dataset[0x0009, 0x1002].value = 0x0020


def _nested(dataset: Dataset) -> None:
    dataset.AnatomicRegionSequence[0].CodeValue = "T-2"


def _nested_private(dataset: Dataset) -> None:
    dataset[0x0009, 0x1003].value[0].PatientID = "other"


def _missing_item(dataset: Dataset) -> None:
    del dataset.AnatomicRegionSequence[1]


@pytest.mark.parametrize("change", [_name, _private, _nested, _nested_private, _missing_item])
@pytest.mark.parametrize("transfer_syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_changed_header_is_told(change: Callable[[Dataset], None], transfer_syntax: str) -> None:
    changed = image()
    change(changed)
    before, after = (content_digest(written(item, transfer_syntax)) for item in (image(), changed))
    assert differs(before, after) == "header"


@pytest.mark.parametrize("transfer_syntax", [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
def test_a_changed_pixel_is_told(transfer_syntax: str) -> None:
    changed = image()
    pixels = bytearray(changed.PixelData)
    pixels[20] ^= 1
    changed.PixelData = bytes(pixels)
    before = content_digest(written(image(), ExplicitVRLittleEndian))
    assert differs(before, content_digest(written(changed, transfer_syntax))) == "pixels"


def test_what_cannot_be_read_is_refused_without_its_values() -> None:
    whole = written(image(), RLELossless)
    mislabelled = written(image(), JPEG2000Lossless).replace(JPEG2000Lossless.encode(), JPEGLSLossless.encode())
    for broken in (
        whole[:-20],
        b"",
        b"\0" * 400,
        whole[:200],
        mislabelled,
    ):
        with pytest.raises(Permanent) as caught:
            content_digest(broken)
        assert "Planted" not in str(caught.value)


@pytest.mark.data
def test_one_image_in_nine_encodings_of_another_toolkit() -> None:
    """Their headers differ (each has UIDs of its own); their pixels are the same image."""
    folder = DATA / "interop" / "dcm_qa_ts_nine_transfer_syntaxes"
    files = [path for path in folder.rglob("*.dcm") if path.is_file()]
    if not files:
        pytest.skip(f"needs interop/{folder.name} of LUCIDRAY_DATA")
    digests = [content_digest(path.read_bytes()) for path in files]
    assert len(digests) == 9
    assert {differs(digests[0], digest) for digest in digests[1:]} == {"header"}
