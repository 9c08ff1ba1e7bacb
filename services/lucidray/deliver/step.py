"""The deliver step: every result at every destination, once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lucidray.contracts.base import missing
from lucidray.contracts.catalogue import DELIVERABLES, RECEIPTS, STEPS
from lucidray.contracts.parameters import DeliverParameters
from lucidray.contracts.results import Receipt, Receipts
from lucidray.core import logging, metrics
from lucidray.core.case import quality_flag
from lucidray.core.clock import SystemClock
from lucidray.core.database import open_database
from lucidray.core.errors import LucidrayError, Permanent, Refused, Transient
from lucidray.core.faults import commit_point
from lucidray.core.settings import CoreSettings
from lucidray.deliver import attempts
from lucidray.deliver.association import Connection, connect, place
from lucidray.deliver.attempts import Attempts
from lucidray.deliver.deliverable import Deliverable, read_deliverable
from lucidray.deliver.patient import check_patient
from lucidray.deliver.settings import DeliverSettings, Destination
from lucidray.deliver.status import Verdict, describe, judge, remedy
from lucidray.imaging.dicom import tolerant
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Step, StepResult
from lucidray.v1.case_pb2 import QualityFlag

log = logging.get(__name__)


@dataclass
class Outcome:
    """What one attempt at all destinations came to."""

    receipts: list[Receipt] = field(default_factory=list)
    quality: list[QualityFlag] = field(default_factory=list)
    failures: list[LucidrayError] = field(default_factory=list)


class DeliverStep(Step[DeliverParameters]):
    """Sends the deliverables as they are; what a destination has accepted is not sent to it again."""

    spec = STEPS["deliver"]
    parameters = DeliverParameters

    def __init__(self, settings: DeliverSettings, attempts: Attempts) -> None:
        self._settings = settings
        self._attempts = attempts

    def run(self, case: CaseFacts, inputs: Inputs, parameters: DeliverParameters) -> StepResult:
        """Receipts of all objects at all destinations.

        Raises
        ------
        Transient
            A destination cannot take them now; the others have been served.
        Permanent
            A destination will never take them as they are, or none is configured.
        Refused
            The study belongs to another patient at a destination.
        """
        destinations = self._chosen(parameters)
        with tolerant():
            deliverables = _read(inputs)
            outcome = Outcome()
            for destination in destinations:
                try:
                    self._serve(case, destination, deliverables, outcome)
                except LucidrayError as error:
                    log.warning("delivery-failed", destination=destination.name, error=error)
                    metrics.OBJECTS_DELIVERED.labels("failed").inc()
                    outcome.failures.append(error)
        if outcome.failures:
            raise combined(outcome.failures)
        return StepResult(
            [Artifact(RECEIPTS, Receipts(receipts=outcome.receipts))],
            quality=outcome.quality + _warnings(outcome.receipts),
            summary={destination.name: _summary(destination, outcome.receipts) for destination in destinations},
        )

    def _chosen(self, parameters: DeliverParameters) -> list[Destination]:
        enabled = {destination.name: destination for destination in self._settings.destinations if destination.enabled}
        unknown = [name for name in parameters.destinations if name not in enabled]
        if unknown:
            raise Permanent(
                f"destination '{unknown[0]}'",
                "the workflow names it, but no such destination is enabled",
                f"add it to deliver.destinations or choose among: {', '.join(enabled) or 'none'}",
            )
        chosen = [enabled[name] for name in dict.fromkeys(parameters.destinations or enabled)]
        if not chosen:
            raise Permanent("destinations", "none is enabled", "add one to deliver.destinations")
        return chosen

    def _serve(
        self, case: CaseFacts, destination: Destination, deliverables: Sequence[Deliverable], outcome: Outcome
    ) -> None:
        wanted = [one for one in deliverables if destination.kinds is None or one.kind in destination.kinds]
        before = {one.digest: self._attempts.accepted(destination.name, one.digest) for one in wanted}
        outcome.receipts += [receipt for receipt in before.values() if receipt is not None]
        metrics.OBJECTS_DELIVERED.labels("already-there").inc(sum(receipt is not None for receipt in before.values()))
        unsent = [one for one in wanted if before[one.digest] is None]
        if not unsent:
            return
        with connect(destination, unsent) as connection:
            if destination.verify_patient and not check_patient(destination, connection, unsent):
                message = f"{destination.name} did not know the study, so that its patient could not be compared"
                outcome.quality.append(quality_flag("deliver", "study-not-at-destination", message, warning=False))
            for one in unsent:
                self._send(case, destination, connection, one, outcome)

    def _send(
        self, case: CaseFacts, destination: Destination, connection: Connection, one: Deliverable, outcome: Outcome
    ) -> None:
        count = self._attempts.begin(destination.name, one.digest, one.kind, case.case_id)
        status = connection.store(one)
        verdict = judge(status)
        if verdict is Verdict.LATER:
            raise Transient(place(destination), f"it answered {describe(status)} to {one.kind}", "wait, or see its log")
        if verdict is Verdict.NEVER:
            raise Permanent(place(destination), f"it answered {describe(status)} to {one.kind}", remedy(status))
        commit_point("deliver.sent")
        self._attempts.accept(destination.name, one.digest, f"{status:04X}")
        log.info("delivered", destination=destination.name, kind=one.kind, status=f"{status:04X}", attempts=count)
        metrics.OBJECTS_DELIVERED.labels("stored").inc()
        outcome.receipts.append(
            Receipt(
                destination=destination.name,
                object_digest=one.digest,
                kind=one.kind,
                status="already there" if verdict is Verdict.ALREADY_THERE else "stored",
                dicom_status=f"{status:04X}",
                attempts=count,
            )
        )


def build() -> DeliverStep:
    """The step with this installation's settings and receipts."""
    settings = DeliverSettings.load()
    engine = open_database(CoreSettings.load().data, "deliver", attempts.metadata, settings.database_url)
    return DeliverStep(settings, Attempts(engine, SystemClock()))


def combined(failures: Sequence[LucidrayError]) -> LucidrayError:
    """One failure for several: transient if any is, for then another try helps somebody."""
    if len(failures) == 1:
        return failures[0]
    for kind in (Transient, Refused, Permanent):
        if any(isinstance(failure, kind) for failure in failures):
            return kind(
                "; ".join(failure.thing for failure in failures),
                "; ".join(failure.cause for failure in failures),
                "; ".join(dict.fromkeys(failure.remedy for failure in failures)),
            )
    return failures[0]


def _read(inputs: Inputs) -> list[Deliverable]:
    # In order of role, so that a SEG is there before the SR that refers to it.
    roles = inputs.roles(DELIVERABLES)
    found = [read_deliverable(role, data) for role in roles for data in inputs.read(DELIVERABLES, role)]
    if not found:
        raise missing(DELIVERABLES, "")
    return found


def _warnings(receipts: Sequence[Receipt]) -> list[QualityFlag]:
    """One for each object that was stored with a warning, also when that was in an earlier attempt."""
    return [
        quality_flag(
            "deliver",
            "stored-with-warning",
            f"{one.destination} stored {one.kind} with the warning {describe(int(one.dicom_status, 16))}",
        )
        for one in receipts
        if judge(int(one.dicom_status, 16)) is Verdict.WARNED
    ]


def _summary(destination: Destination, receipts: Sequence[Receipt]) -> str:
    own = [receipt for receipt in receipts if receipt.destination == destination.name]
    return ", ".join(f"{receipt.kind} {receipt.status}" for receipt in own) or "nothing wanted"
