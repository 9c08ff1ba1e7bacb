"""The record of a scanner: one spelling of its maker, typed values, batches."""

import pytest

from lucidray.contracts.catalogue import SCANNER
from lucidray.contracts.scanner import CtProtocol, MrProtocol, PetProtocol, scanner_record, vendor_of

SPACING, MATRIX = (3.0, 1.5, 1.5), (128, 128)


@pytest.mark.parametrize(
    ("written", "vendor"),
    [
        ("SIEMENS / MIM Software", "Siemens"),
        ("Siemens Healthineers", "Siemens"),
        ("SIEMENS", "Siemens"),
        ("CPS", "Siemens"),
        ("GE MEDICAL SYSTEMS", "GE"),
        ("GE Healthcare", "GE"),
        ("Philips Medical Systems", "Philips"),
        ("ADAC Laboratories", "Philips"),
        ("TOSHIBA_MEC", "Canon"),
        ("Canon Medical Systems", "Canon"),
        ("UIH", "United Imaging"),
        ("FUJIFILM Healthcare", "Fujifilm"),
        ("MIM Software Inc.", "Other"),
        ("Imagerie GEneral", "Other"),
        ("V_0123456789ABC", "Other"),
        (" ", "Unknown"),
    ],
)
def test_makers_have_one_spelling(written: str, vendor: str) -> None:
    assert vendor_of(written) == vendor


def test_a_ct() -> None:
    attributes: dict[str, str | float | list[float]] = {
        "Manufacturer": "SIEMENS",
        "ConvolutionKernel": "B30f",
        "KVP": 120.0,
        "XRayTubeCurrent": 211.5,
        "SliceThickness": 3.0,
        "ReconstructionAlgorithm": "ITERATIVE",
    }
    record = scanner_record("CT", attributes, SPACING, MATRIX)
    assert (record.vendor, record.kernel, record.reconstruction) == ("Siemens", "B30f", "ITERATIVE")
    assert record.protocol == CtProtocol(kvp=120.0, tube_current_ma=211.5)
    assert record.batch("vendor", "model", "kernel", "kvp") == "Siemens|?|B30f|120"
    assert record.batch("spacing_mm", "matrix") == "3x1.5x1.5|128x128"


def test_a_pet_and_an_mr() -> None:
    pet = scanner_record("PT", {"Units": "BQML", "CorrectedImage": "SCAT\\DECY\\ATTN"}, SPACING, MATRIX)
    assert isinstance(pet.protocol, PetProtocol) and pet.protocol.corrections == ["ATTN", "DECY", "SCAT"]
    mr = scanner_record("MR", {"EchoTime": [10.0, 80.0], "MagneticFieldStrength": 1.5}, SPACING, MATRIX)
    assert mr.protocol == MrProtocol(echo_time_ms=10.0, field_strength_t=1.5)
    assert (mr.vendor, mr.batch("field_strength_t")) == ("Unknown", "1.5")
    assert scanner_record("NM", {}, SPACING, MATRIX).protocol is None


def test_a_value_of_another_type_is_not_known() -> None:
    record = scanner_record("CT", {"KVP": "much", "ConvolutionKernel": 3.0}, SPACING, MATRIX)
    assert record.kernel == "" and record.protocol == CtProtocol()


def test_it_is_an_artifact() -> None:
    record = scanner_record("PT", {"Manufacturer": "GE"}, SPACING, MATRIX)
    assert SCANNER.read(SCANNER.write(record)) == record
