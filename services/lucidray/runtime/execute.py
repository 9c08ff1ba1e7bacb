"""One step of one case against the stores: read, compute, commit."""

import os
import platform
import time
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from lucidray import core
from lucidray.contracts.base import Contract, Part, missing
from lucidray.contracts.catalogue import ANALYSIS, FORMER, SELECT, StepSpec
from lucidray.contracts.parameters import Parameters
from lucidray.core.canonical import digest_json
from lucidray.core.case import head
from lucidray.core.errors import NoCompatibleWorker, Permanent
from lucidray.core.faults import commit_point
from lucidray.runtime.step import CaseFacts, Step, StepResult
from lucidray.store.cases import ArtifactEntry, CaseStore, FlagEntry, Manifest
from lucidray.v1.case_pb2 import Case, Outcome, Predecessor, Severity, SlipEntry, Zone

T = TypeVar("T")


class ManifestInputs:
    """The artifacts that earlier steps of a case committed, in the zones that this process may read."""

    def __init__(self, case: Case, stores: Mapping[Zone, CaseStore], spec: StepSpec) -> None:
        self._stores = stores
        self._found: dict[tuple[str, str], tuple[Zone, str, ArtifactEntry]] = {}
        wanted = {contract.name for contract in spec.reads}
        for entry in case.history:
            if entry.outcome != Outcome.OUTCOME_DONE or entry.zone not in stores:
                continue
            # What was received (`select`) no step can write again.
            writer = entry.entry.step if entry.entry.step != SELECT.name else ""
            for artifact in stores[entry.zone].manifest(case.case_id, entry.step_key, writer).artifacts:
                if artifact.contract in wanted:
                    self._found[artifact.contract, artifact.role] = (entry.zone, writer, artifact)
        if FORMER.name in wanted and case.HasField("predecessor"):
            self._find_former(case.predecessor)

    def _find_former(self, predecessor: Predecessor) -> None:
        former = self._stores[ANALYSIS].find_manifest(predecessor.case_id, predecessor.step_key)
        for artifact in former.artifacts if former else ():  # there is none any more: retention, or an erasure
            self._found[FORMER.name, artifact.role] = (ANALYSIS, "", artifact)

    def read(self, contract: Contract[T], role: str = "") -> T:
        value = self.find(contract, role)
        if value is None:
            raise missing(contract, role)
        return value

    def find(self, contract: Contract[T], role: str = "") -> T | None:
        found = self._found.get((contract.name, role))
        if found is None:
            return None
        zone, writer, artifact = found
        store = self._stores[zone]
        return contract.read(
            [Part(part.name, part.media_type, store.get_part(part, writer)) for part in artifact.parts]
        )

    def roles(self, contract: Contract[Any]) -> list[str]:
        return sorted(role for name, role in self._found if name == contract.name)

    def digests(self) -> list[list[Any]]:
        """What identifies the inputs: contract, role and digests of the blobs, in a fixed order."""
        return [
            [contract, role, [part.sha256 for part in artifact.parts]]
            for (contract, role), (_, _, artifact) in sorted(self._found.items())
        ]


def make_step_key(inputs: ManifestInputs, entry: SlipEntry, generation: int, parameters: str) -> str:
    """The identity of a step's work: what goes in and how, never where it is computed."""
    return digest_json(
        {
            "inputs": inputs.digests(),
            "step": entry.step,
            "algorithm_version": entry.algorithm_version,
            "parameters": parameters,
            "bundles": [[bundle.name, bundle.digest] for bundle in entry.bundles],
            "generation": generation,
        }
    )


def execute(step: Step[Any], case: Case, stores: Mapping[Zone, CaseStore]) -> Manifest:
    """Run the head step of a case and commit it; or find that it was committed before.

    Raises
    ------
    LucidrayError
        As the step says; `NoCompatibleWorker` if the case was pinned to another algorithm version.
    """
    entry, spec = head(case), step.spec
    if entry.algorithm_version != spec.algorithm_version:
        raise NoCompatibleWorker(
            f"step '{spec.name}'",
            f"the case was opened for algorithm version {entry.algorithm_version}, this worker has "
            f"{spec.algorithm_version}",
            "keep a worker of the earlier release until its cases are done, or open the case anew",
        )
    inputs = ManifestInputs(case, stores, spec)
    given = read_parameters(step, entry)
    parameters = step.pinned(given)
    written = entry.parameters if parameters == given else parameters.model_dump_json()
    key = make_step_key(inputs, entry, case.generation, written)
    store = stores[spec.zone]
    earlier = store.find_manifest(case.case_id, key, spec.name)
    if earlier is not None:
        return earlier
    started = time.monotonic()
    result = step.run(facts_of(case), inputs, parameters)
    commit_point("worker.computed", spec.name)
    artifacts = _store_artifacts(store, case.case_id, spec, result)
    commit_point("worker.stored", spec.name)
    return store.commit(
        Manifest(
            case_id=case.case_id,
            step=spec.name,
            step_key=key,
            algorithm_version=spec.algorithm_version,
            artifacts=artifacts,
            quality=[
                FlagEntry(code=flag.code, message=flag.message, warning=flag.severity == Severity.SEVERITY_WARNING)
                for flag in result.quality
            ],
            summary=dict(result.summary),
            seconds=time.monotonic() - started,
            recorded=build_facts(),
        )
    )


def facts_of(case: Case) -> CaseFacts:
    """What the head step may know of its case."""
    return CaseFacts(
        case_id=case.case_id,
        study_key=case.study_key,
        study_version=case.study_version,
        patient_key=case.patient_key,
        workflow=case.workflow,
        generation=case.generation,
        bundles={bundle.name: bundle.digest for bundle in case.slip[0].bundles},
        quality=list(case.quality),
        versions={entry.entry.step: entry.entry.algorithm_version for entry in case.history},
    )


def read_parameters(step: Step[Any], entry: SlipEntry) -> Parameters:
    """The pinned parameters, checked against the step's model."""
    try:
        parameters: Parameters = step.parameters.model_validate_json(entry.parameters or "{}")
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Permanent(
            f"parameter '{field}' of step '{entry.step}'", first["msg"], "correct the workflow and open the case anew"
        ) from None
    return parameters


def build_facts() -> dict[str, str]:
    """Where a result was computed: recorded with it, not part of its identity."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": str(os.cpu_count()),
        "lucidray": core.VERSION,
    }


def _store_artifacts(store: CaseStore, case_id: str, spec: StepSpec, result: StepResult) -> list[ArtifactEntry]:
    allowed = {contract.name for contract in spec.writes}
    entries = []
    for artifact in result.artifacts:
        if artifact.contract.name not in allowed:
            raise Permanent(
                f"step '{spec.name}'",
                f"it wrote '{artifact.contract.name}', which its specification does not name",
                "correct the step or its specification",
            )
        parts = [
            store.put_blob(case_id, part.name, part.media_type, part.data)
            for part in artifact.contract.write(artifact.value)
        ]
        entries.append(ArtifactEntry(contract=artifact.contract.name, role=artifact.role, parts=parts))
    return entries
