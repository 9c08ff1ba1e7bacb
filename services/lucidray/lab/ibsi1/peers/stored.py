"""The values of all packages, kept in a file: they do not all install on one Python."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from lucidray.lab.ibsi1.peers import PEERS

_FILE = Path(__file__).with_name("values.csv")
_DIGITS = 9  # beyond what rounding to the consensus' own digits could feel
Columns = Mapping[str, Mapping[str, float]]  # values by tag, by label


def stored() -> Columns:
    """The columns of the file, in the order of the peers."""
    rows = list(csv.DictReader(_FILE.read_text("utf-8").splitlines())) if _FILE.exists() else []
    labels = [name for name in rows[0] if name != "tag"] if rows else []
    return {name: {row["tag"]: float(row[name]) for row in rows if row[name]} for name in labels}


def store(columns: Columns, tags: Iterable[str]) -> None:
    """Replace the columns of the same packages; a row for each tag."""
    kept = {package_of(name): (name, values) for name, values in stored().items()}
    kept |= {package_of(name): (name, values) for name, values in columns.items()}
    ordered = dict(kept[package] for package in PEERS if package in kept)
    with _FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["tag", *ordered])
        for tag in tags:
            cells = (values.get(tag) for values in ordered.values())
            writer.writerow([tag, *("" if cell is None else f"{cell:.{_DIGITS}g}" for cell in cells)])


def package_of(label: str) -> str:
    """The package that a label names."""
    return label.split(" ", 1)[0]
