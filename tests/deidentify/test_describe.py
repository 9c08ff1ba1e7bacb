from pathlib import Path

from lucidray.deidentify.describe import table
from lucidray.deidentify.profile import load_profile, profile_names

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_attributes_is_current() -> None:
    page = (DOCS / "deidentification-attributes.md").read_text(encoding="utf-8")
    assert page == table(), "run: python -m lucidray.deidentify.describe docs/deidentification-attributes.md"


def test_the_page_says_what_the_profiles_do() -> None:
    lines = {line.split(" | ")[1]: line.strip("| ").split(" | ")[3:] for line in table().splitlines() if "(0" in line}
    assert profile_names() == ["basic", "clinical-ai", "research-export"]
    assert lines["Patient's Weight"] == ["removed", "kept if valid", "kept if valid"]
    assert lines["Device Serial Number"] == ["dummy", "identifier, else label", "label"]
    assert lines["Study Date"] == ["emptied", "shifted", "shifted"]


def test_every_profile_is_in_the_documentation() -> None:
    page = (DOCS / "deidentification.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page and load_profile(name).name == name for name in profile_names())
