"""Steps for the tests of the worker; imported by its child process."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from lucidray.contracts.catalogue import ANALYSIS, FEATURES, PREDICTION, StepSpec
from lucidray.contracts.parameters import Parameters
from lucidray.contracts.results import Features
from lucidray.core import metrics
from lucidray.core.case import quality_flag
from lucidray.core.errors import Permanent, Refused, Transient
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Step, StepResult


class Behaviour(Parameters):
    """What the example is to do."""

    do: str = "work"
    note: str = ""
    beside: str = ""  # a file that the step reads
    content: str = ""  # what it says


class Example(Step[Behaviour]):
    """Writes features; or fails in the way that its parameters say."""

    spec = StepSpec("example", ANALYSIS, "1", (FEATURES,), (FEATURES,))
    parameters = Behaviour

    def pinned(self, parameters: Behaviour) -> Behaviour:
        content = Path(parameters.beside).read_text() if parameters.beside else ""
        return parameters.model_copy(update={"content": content})

    def run(self, case: CaseFacts, inputs: Inputs, parameters: Behaviour) -> StepResult:
        if parameters.note:
            with Path(parameters.note).open("a") as log:
                log.write(f"{case.case_id}\n")
        if parameters.do == "read":
            inputs.read(FEATURES)
            return StepResult([])
        return getattr(self, f"_{parameters.do}")()  # type: ignore[no-any-return]

    def _work(self) -> StepResult:
        features = Features(preset="p", preset_digest="d", software="s", features=[])
        return StepResult(
            [Artifact(FEATURES, features)], [quality_flag("example", "remark", "a remark")], {"answer": "42"}
        )

    def _talk(self) -> StepResult:
        """A remark for each of 300 regions: 75 kB."""
        return StepResult([], [quality_flag("example", "region", f"region {i:<240}") for i in range(300)])

    def _shout(self) -> StepResult:
        return StepResult([], [quality_flag("example", "remark", "x" * 70_000)])

    def _rant(self) -> StepResult:
        raise Permanent("thing", "x" * 70_000, "remedy")

    def _count(self) -> StepResult:
        metrics.OBJECTS_DELIVERED.labels("stored").inc(2)
        return StepResult([])

    def _count_and_fail(self) -> StepResult:
        metrics.OBJECTS_DELIVERED.labels("failed").inc()
        raise Permanent("thing", "cause", "remedy")

    def _wrong_output(self) -> StepResult:
        return StepResult([Artifact(PREDICTION, Any)])

    def _park(self) -> StepResult:
        raise Permanent("thing", "cause", "remedy")

    def _retry(self) -> StepResult:
        raise Transient("thing", "cause", "remedy")

    def _refuse(self) -> StepResult:
        raise Refused("thing", "cause", "remedy")

    def _leak(self) -> StepResult:
        raise ValueError("DOE^JANE")

    def _die(self) -> StepResult:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    def _sleep(self) -> StepResult:
        time.sleep(60)
        raise AssertionError


def build() -> Example:
    """The step."""
    return Example()
