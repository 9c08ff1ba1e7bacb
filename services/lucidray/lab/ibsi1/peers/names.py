"""What packages call the features, beside the abbreviations of the reference tables."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def names_of(package: str) -> Mapping[str, str]:
    """Tags, or abbreviations where the name says no aggregation, by a package's own names.

    Where a package measures a feature in two ways, the later name has the value that is nearer to the consensus.
    """
    text = resources.files(__package__).joinpath("names.csv").read_text("utf-8")
    return {row["name"]: row["tag"] for row in csv.DictReader(text.splitlines()) if row["package"] == package}
