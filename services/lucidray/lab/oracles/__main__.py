"""`python -m lucidray.lab.oracles DATA`: our features beside mirp, z-rad and pyradiomics; writes the table.

All sarcomas in PET, CT and MR, a lung nodule, 200 random regions, and pyradiomics' own baselines. mirp needs an hour;
what it said is kept in build/oracles, so that a run goes on where the last one stopped.
"""

import sys
from collections import Counter
from itertools import chain
from pathlib import Path

from rich.progress import track

from lucidray.lab.oracles.agreement import compare
from lucidray.lab.oracles.document import Met, Verdict, document
from lucidray.lab.oracles.peers import opinions, oracles
from lucidray.lab.oracles.pyradiomics_baselines import values
from lucidray.lab.oracles.regions import nodule, random_regions, sarcomas

DOCUMENT = Path("docs/conformance/oracles.md")
KEPT = Path("build/oracles")


def main() -> int:
    """Ask, compare, write; 1 if too little holds or something is not explained."""
    data = Path(sys.argv[1])
    versions = oracles()
    if len(versions) < 2:  # noqa: PLR2004
        print("needs mirp and z-rad: pip install mirp==2.7.0; pip install --no-deps z-rad==26.9.0", file=sys.stderr)
        return 1
    cases = list(chain(random_regions(), nodule(data), sarcomas(data)))
    asked = opinions(cases, KEPT)
    compared = list(compare(track(cases, "measuring"), asked))
    baselines = Met.of(values(data / "pyradiomics_baselines"))
    page = document(compared, versions, Counter(each.kind for each in cases), baselines)
    DOCUMENT.write_text("\n".join(page) + "\n", "utf-8")
    found = Verdict.of(compared, baselines)
    print(found)
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
