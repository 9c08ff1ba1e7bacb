import pytest

from lucidray.deidentify.text import (
    cleaned_description,
    cleaned_region,
    is_identifier,
    is_known_words,
    is_term,
    tells,
    vocabulary,
)


@pytest.mark.parametrize(
    "value",
    ["SIEMENS / MIM Software", "MIM Software Inc.", "syngo MR B17", "LightSpeed VCT", "I31f", "Br40d", "H31s", "",
     "CT-derived mu-map", "dm09_hl2sp1.23", "SOMATOM Definition AS+", "Biograph 64", "OSEM 2i8s", "BODY FILTER"],
)  # fmt: skip
def test_what_scanners_write_passes(value: str) -> None:
    assert is_known_words(value)


@pytest.mark.parametrize(
    "value",
    ["Smith", "GE Smith", "1945-03-12", "12.03.1945", "19450312", "4711081512", "555 123 4567", "SIEMENS Ünal",
     "ZQA1B2C3D4E5X", "B48151", "ST 48151", "MRN 00123456", "B30f\x1b", "J.Smith",
     "Q U I L L S O N", "Q-U 1 I/L", "DV26.0_R03_1831.b 12345678 9"],
)  # fmt: skip
def test_what_could_name_a_person_does_not_pass(value: str) -> None:
    assert not is_known_words(value)


@pytest.mark.parametrize("value", ["175855", "AWP141322", "CT01", "ct-1", "MRC35131"])
def test_identifiers(value: str) -> None:
    assert is_identifier(value)


@pytest.mark.parametrize("value", ["SMITH", "SMITH 12", "ZQA1B2C3D4E5X", "123456789012", "Dr.1", "CT０１", "١٢٣٤"])
def test_not_identifiers(value: str) -> None:
    assert not is_identifier(value)


def test_terms_are_compared_as_code_strings() -> None:
    assert is_term("WHOLE BODY ") and is_term("Brain")
    assert not is_term("WHOLE BODY SMITH")


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [("CT Thorax 3.75 mm Dr Smith", "CT Thorax 3.75 mm"), ("STS_006_PET", "PET"), ("Müller 19450312", ""),
     ("AX T1 5mm", "AX T1 5mm"), ("1234567 WB", "WB"), ("CT Thorax 3.0 B30f", "CT Thorax 3.0 B30f"),
     ("T1 AX FSE FS POST GD", "T1 AX FSE FS POST GD"), ("CT Chest 13 39 55 50 85", "CT Chest"),
     ("Thorax 02.01.56", "Thorax"), ("Head 13/39-55", "Head"), ("Head 13 39 Dr 55 50", "Head")],
)  # fmt: skip
def test_descriptions_keep_only_known_words(value: str, cleaned: str) -> None:
    assert cleaned_description(value) == cleaned


@pytest.mark.parametrize(
    "name", ["GTV_Mass", "GTV_Mass_PET", "PTV 60", "SpinalCord", "PTVBoost", "LUNG_L", "Neoplasm, Primary", "gtv-1"]
)
def test_region_names_stay(name: str) -> None:
    assert cleaned_region(name, 3) == name


@pytest.mark.parametrize("name", ["GTV Smith", "Smith", "GTV 12345678", "Tumör", "", "GTV\x1b", "MüllerGTV"])
def test_other_region_names_go(name: str) -> None:
    assert cleaned_region(name, 3) == "ROI-3"


def test_vocabulary_has_no_word_twice_in_other_case() -> None:
    assert all(word == word.upper() for name in ("terms", "words", "regions") for word in vocabulary(name))


@pytest.mark.parametrize(
    ("value", "told"),
    [("K77", True), ("CT K77", True), ("K-77", True), ("K778", False), ("Xiu7", True), ("CT_XIU", True), ("77", True),
     ("Xiun7", False), ("Li", True), ("Li7", False), ("Biograph 77", False), ("SMI1TH2", True), ("CT1", False),
     ("FIL", False)],
)  # fmt: skip
def test_short_identifiers_tell_as_words_and_as_whole_values(value: str, told: bool) -> None:
    assert tells(value, {"K77", "XIU", "LI", "77", "SMITH", "CT", "FIL"}, vocabulary("words")) == told
