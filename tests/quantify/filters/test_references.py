"""Response maps of the IBSI's digital phantoms."""

from pathlib import Path

import pytest

from lucidray.lab.ibsi2 import CONFIGURATIONS, DOCUMENT, compare, table

ROOT = Path(__file__).parents[3]


@pytest.mark.data
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_every_voxel_lies_within_the_tolerance_of_the_reference(ibsi_data: Path, configuration: str) -> None:
    assert compare(ibsi_data, configuration).difference <= 1


@pytest.mark.data
def test_every_reference_is_compared(ibsi_data: Path) -> None:
    names = {path.name.split("-")[0] for path in (ibsi_data / "ibsi_2_reference" / "response_maps").iterdir()}
    assert names == {configuration.replace(".", "_") for configuration in CONFIGURATIONS}


@pytest.mark.data
def test_the_conformance_table_is_current(ibsi_data: Path) -> None:
    """What others do is measured when the document is written."""
    found = list(table(ibsi_data))
    assert (ROOT / DOCUMENT).read_text("utf-8").splitlines()[: len(found)] == found
