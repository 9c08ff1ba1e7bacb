"""The platform's own time in the demonstration case, against the same steps called in a straight line.

Both are warm, run the same studies in turn, and end with the results at a PACS. The platform's time counts
from the case's opening to its completion: bus, commits, processes and scheduling come on top of the steps.
"""

import os
import tempfile
import time
from datetime import datetime
from pathlib import Path

from tests.bench.straight import StraightLine, study_artifacts
from tests.bench.table import compare, report
from tests.house import running_house

from lucidray.launcher.supervisor import prepare
from lucidray.phantom import make_study
from lucidray.phantom.pacs import Pacs
from lucidray.serving.bundle import BundleShelf

REPETITIONS = 6
GOAL = 1.3


def main() -> None:
    """Run and report."""
    platform, straight = [], []
    with tempfile.TemporaryDirectory() as folder:
        line = _straight_line(Path(folder, "straight"))
        shelf = BundleShelf()
        digests = {name: {name: shelf.find(name).digest} for name in ("pet-suv-threshold", "sts-metastasis")}
        bundles = {
            "segment": digests["pet-suv-threshold"],
            "predict": digests["sts-metastasis"],
            "explain": digests["sts-metastasis"],
        }
        with running_house(Path(folder, "house"), {"LUCIDRAY_CORE__LOG_LEVEL": "WARNING"}) as house:
            for repetition in range(REPETITIONS + 2):  # the first two warm both up
                study = make_study(1000 + repetition, size="demo")
                known = house.known()
                house.send(study.datasets)
                case = house.wait_new(known)
                assert case["state"] == "completed", case
                artifacts = study_artifacts(study.datasets)
                started = time.perf_counter()
                line.run(artifacts, f"c{repetition}", bundles=bundles)
                straight.append(time.perf_counter() - started)
                platform.append(_seconds(case["opened_at"], case["updated_at"]))
    figure = compare(
        "case opened to results at the PACS", platform[2:], "s", "straight line", straight[2:], at_most=GOAL
    )
    report("case", [figure])


def _straight_line(folder: Path) -> StraightLine:
    prepare(folder)
    pacs = Pacs(folder / "pacs")
    os.environ["LUCIDRAY_CORE__DATA"] = str(folder)
    destination = {"name": "pacs", "host": "127.0.0.1", "port": pacs.port, "called_ae_title": "DEMOPACS"}
    os.environ["LUCIDRAY_DELIVER__DESTINATIONS"] = str([destination])
    return StraightLine()


def _seconds(first: str, last: str) -> float:
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


if __name__ == "__main__":
    main()
