"""One replica of the steps as a process of its own: ``python -m tests.deidentify.replica STEP CASE IN OUT``.

Keys and database are those of the settings, as in a deployment. IN and OUT are folders with one folder a role.
"""

import sys
from pathlib import Path
from typing import Any

from lucidray.contracts.catalogue import DELIVERABLES, RESULTS, SERIES, STUDY
from lucidray.deidentify import reidentify, step
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs, Step

STEPS: dict[str, tuple[Any, Any, Any]] = {
    "deidentify": (step.build, STUDY, SERIES),
    "reidentify": (reidentify.build, RESULTS, DELIVERABLES),
}


def main(name: str, case_id: str, given: Path, out: Path) -> None:
    """Run a step on the files of a folder."""
    build, reads, writes = STEPS[name]
    built: Step[Any] = build()
    inputs = GivenInputs(
        [
            Artifact(reads, [path.read_bytes() for path in sorted(folder.iterdir())], folder.name)
            for folder in sorted(given.iterdir())
        ]
    )
    result = built.run(CaseFacts(case_id, "study", 1, "patient", "workflow"), inputs, built.parameters())
    for artifact in result.artifacts:
        assert artifact.contract is writes
        write(out / artifact.role, artifact.value)


def write(folder: Path, files: list[bytes]) -> None:
    """Files into a folder, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(files):
        (folder / f"{number:04d}.dcm").write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
