"""Reading: tolerant of what does not matter, clear about what does, silent about values."""

import io
import warnings

import numpy as np
import pytest
from pydicom import Dataset, config
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless

from lucidray.core.errors import Permanent
from lucidray.imaging.dicom import number, numbers, read_object, stored_values, text, tolerant

THING = "series of role 'CT'"


def image() -> Dataset:
    """4 x 5 pixels counting up."""
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, "1.2.3"
    one.Rows, one.Columns, one.SamplesPerPixel, one.PhotometricInterpretation = 4, 5, 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 16, 15, 1
    one.PixelData = np.arange(20, dtype="<i2").tobytes()
    return one


def saved(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_pixels_come_back() -> None:
    assert np.array_equal(stored_values(read_object(saved(image()), THING), THING), np.arange(20).reshape(4, 5))


def test_compressed_pixels_come_back() -> None:
    one = image()
    one.compress(RLELossless, generate_instance_uid=False)
    assert np.array_equal(stored_values(read_object(saved(one), THING), THING), np.arange(20).reshape(4, 5))


def test_not_dicom_is_named_without_its_content() -> None:
    with pytest.raises(Permanent, match="does not read as DICOM") as failure:
        read_object(b"Doe^Jane " * 50, THING)
    assert "Doe" not in str(failure.value)


def test_truncated_pixels_are_refused() -> None:
    one = image()
    one.PixelData = one.PixelData[:-8]
    with pytest.raises(Permanent, match="pixels do not decode"):
        stored_values(read_object(saved(one), THING), THING)


def test_colour_is_refused() -> None:
    one = image()
    one.SamplesPerPixel = 3
    with pytest.raises(Permanent, match="colour"):
        stored_values(one, THING)


def test_tolerant_is_silent_and_restores_the_rules() -> None:
    before = config.settings.reading_validation_mode
    with pytest.warns(UserWarning, match="maximum length"):
        broken = Dataset()
        broken.StudyID = "longer than sixteen characters"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with tolerant():
            broken.file_meta = image().file_meta
            broken.SOPClassUID, broken.SOPInstanceUID = CTImageStorage, "1.2.3"
            assert text(read_object(saved(broken), THING), "StudyID").startswith("longer")
    assert config.settings.reading_validation_mode == before


def test_values_that_do_not_parse_are_absent() -> None:
    one = Dataset()
    one.RescaleSlope = ""
    one.PixelSpacing = [1.0, 2.0]
    assert number(one, "RescaleSlope") is None
    assert number(one, "RescaleIntercept") is None
    assert numbers(one, "PixelSpacing", 3) is None
    assert numbers(one, "PixelSpacing", 2) == [1.0, 2.0]
    assert text(one, "PixelSpacing") == "1.0\\2.0"
    assert text(one, "Manufacturer") == ""
