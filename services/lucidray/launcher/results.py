"""The artifacts of a case, read from its stores."""

from pathlib import Path
from typing import Any

from lucidray.contracts.catalogue import (
    ANALYSIS,
    EXPLANATION,
    FEATURES,
    PREDICTION,
    REGIONS,
    RESULTS,
    SERIES,
    VOLUME,
    StepSpec,
)
from lucidray.runtime.execute import ManifestInputs
from lucidray.store.cases import CaseStore
from lucidray.store.folder import FolderStore
from lucidray.v1.case_pb2 import Case, Outcome

_READER = StepSpec("reader", ANALYSIS, "1", (SERIES, VOLUME, REGIONS, FEATURES, PREDICTION, EXPLANATION, RESULTS), ())


def read_case(shown: dict[str, Any], data: Path) -> ManifestInputs:
    """The analysis artifacts of a case.

    Parameters
    ----------
    shown
        The case as the console's API tells it.
    data
        Folder of the embedded stores.
    """
    case = Case(case_id=shown["case_id"])
    for step in shown["steps"]:
        if step.get("step_key") and step.get("zone") == "analysis":
            entry = case.history.add(step_key=step["step_key"], zone=ANALYSIS, outcome=Outcome.OUTCOME_DONE)
            entry.entry.step = step["step"]
    return ManifestInputs(case, {ANALYSIS: CaseStore(FolderStore(data / "analysis"))}, _READER)
