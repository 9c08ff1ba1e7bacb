"""Morphology and local intensity against mirp and z-rad; `python -m lucidray.lab.oracles.shape` takes all regions."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from lucidray.lab.oracles.shape import EXPLAINED, Agreement, agreements, random_regions, tumours
from lucidray.quantify.region import Region

SMALL = 700  # voxels: mirp takes seconds for more

pytest.importorskip("mirp", reason="needs mirp==2.7.0; z-rad joins where it is installed with --no-deps")


@pytest.fixture
def sarcomas() -> Iterator[Region]:
    folder = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[3] / "shared" / "data")) / "sts_cohort"
    if not folder.is_dir():
        pytest.skip("needs the sarcoma cohort in LUCIDRAY_DATA/sts_cohort")
    return tumours(folder, SMALL)


def unexplained(found: dict[tuple[str, str], Agreement]) -> dict[tuple[str, str], Agreement]:
    return {each: agreement for each, agreement in found.items() if agreement.differences and each not in EXPLAINED}


def test_random_regions_agree_but_where_the_manual_says_why() -> None:
    found = agreements(random_regions(8))
    assert unexplained(found) == {}
    assert sum(each.agreeing for each in found.values()) > 180


@pytest.mark.data
def test_tumours_agree_but_where_the_manual_says_why(sarcomas: Iterator[Region]) -> None:
    found = agreements(islice(sarcomas, 1))
    assert unexplained(found) == {}
    assert sum(each.agreeing for each in found.values()) > 20
