"""Files in and out: deflated or mapped, whole or not."""

import os
from pathlib import Path

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from tests.deidentify.objects import KEYS, ct_slice, item, items, part10, through_engine

from lucidray.deidentify import source as source_module
from lucidray.deidentify.engine import Deidentifier, Replaced
from lucidray.deidentify.profile import load_profile
from lucidray.deidentify.rules import Rulebook
from lucidray.deidentify.source import Source, opened
from lucidray.imaging.elements import Malformed


def test_a_mapped_file_comes_out_as_one_in_memory_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "MAPPED_BYTES", 1)
    dataset = ct_slice()
    dataset.add_new("PixelData", "OW", os.urandom(3 << 20))
    data = part10(dataset, ExplicitVRLittleEndian)
    given, made = tmp_path / "in", tmp_path / "out"
    given.write_bytes(data)
    deidentifier = Deidentifier(KEYS.patient("4711-0815", "HOSP"), KEYS, Rulebook(load_profile("basic")), Replaced())
    with opened(given) as file:
        assert isinstance(file, memoryview)
        deidentifier.clean(Source.of(file)).write(made)
    assert made.read_bytes() == through_engine(data, "basic")


def test_an_empty_file_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with opened(tmp_path / "empty") as file, pytest.raises(Malformed):
        Source.of(file)


def test_the_header_shows_short_values_and_the_length_of_pixel_data() -> None:
    dataset = ct_slice(AnatomicRegionSequence=items(item(CodeValue="1")))
    dataset.add_new("PixelData", "OW", bytes(1 << 17))
    header = Source.of(part10(dataset, DeflatedExplicitVRLittleEndian)).header()
    assert header.PatientName == "Müller^Jörg"
    assert header.AnatomicRegionSequence[0].CodeValue == "1"
    pixels = header.get_item("PixelData")
    assert isinstance(pixels, RawDataElement)
    assert (pixels.length, pixels.value) == (1 << 17, b"")


@pytest.mark.parametrize(
    "syntax", [b"1.2.OLAFSSON^BORIS\0\0", "1.2.MÜLLER^JÖRG\0\0\0\0\0".encode("latin-1"), b"1.2.3.4711.0815.1956"]
)
def test_a_transfer_syntax_that_nobody_registered_is_malformed(syntax: bytes) -> None:
    data = part10(ct_slice(), ExplicitVRLittleEndian).replace(b"1.2.840.10008.1.2.1\0", syntax, 1)
    with pytest.raises(Malformed, match="none that DICOM registers"):
        Source.of(data)


@pytest.mark.parametrize("length", [0, 100, 132, 300, -1])
def test_a_cut_file_is_malformed(length: int) -> None:
    with pytest.raises(Malformed):
        Source.of(part10(ct_slice())[:length])
