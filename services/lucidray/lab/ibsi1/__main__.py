"""Write the document, and print the configurations of the CT phantom if it is there."""

import os
import sys
from pathlib import Path

from lucidray.lab.ibsi1.document import DOCUMENT, document, table
from lucidray.lab.ibsi1.phantom import CT, measured
from lucidray.lab.ibsi1.reference import TABLES, consensus


def main() -> None:
    """Of the folder that the command line names."""
    data = Path(sys.argv[1])
    DOCUMENT.write_text("\n".join(document(data)) + "\n", "utf-8")
    folder = os.environ.get(CT)
    for preset in TABLES if folder else ():
        if folder and preset != "ibsi-1-phantom":
            print(f"\n# {preset}\n", *table(consensus(data, preset), measured(Path(folder), preset)), sep="\n")


if __name__ == "__main__":
    main()
