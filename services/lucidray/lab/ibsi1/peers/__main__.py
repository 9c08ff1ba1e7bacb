"""Measure the packages that are installed, or those named, and keep their values."""

import sys
from pathlib import Path

from lucidray.lab.ibsi1.peers.measuring import installed, label, measure
from lucidray.lab.ibsi1.peers.stored import store
from lucidray.lab.ibsi1.reference import consensus


def main() -> None:
    """Of the folder and the packages that the command line names."""
    data, packages = Path(sys.argv[1]), sys.argv[2:] or installed()
    columns = {}
    for package in packages:
        columns[label(package)] = measure(package, data)
        print(f"{label(package)}: {len(columns[label(package)])} values")
    store(columns, sorted(each.tag for each in consensus(data, "ibsi-1-phantom")))


if __name__ == "__main__":
    main()
