"""What people may ask of a case. The console only asks: dispatch alone changes cases."""

import uuid
from enum import StrEnum

from lucidray.bus.base import Bus
from lucidray.console.view import CaseView, State
from lucidray.core import logging, metrics, topics
from lucidray.core.errors import Permanent
from lucidray.v1.events_pb2 import CaseCommand, CommandKind

log = logging.get(__name__)


class Command(StrEnum):
    """A command."""

    RETRY = "retry"
    CANCEL = "cancel"
    RELEASE = "release"


_KINDS = {
    Command.RETRY: CommandKind.COMMAND_KIND_RETRY,
    Command.CANCEL: CommandKind.COMMAND_KIND_CANCEL,
    Command.RELEASE: CommandKind.COMMAND_KIND_RELEASE,
}
_STATES = {
    Command.RETRY: (State.PARKED, State.QUARANTINED, State.RETRYING, State.COMPLETED),
    Command.CANCEL: (State.RUNNING, State.RETRYING, State.PARKED, State.QUARANTINED),
    Command.RELEASE: (State.HELD, State.UNMATCHED),
}


class Conflict(Permanent):
    """The case is not in a state in which this can be asked."""


def allowed(case: CaseView) -> list[Command]:
    """What can be asked of a case now."""
    kinds = {"case": (Command.RETRY, Command.CANCEL), "study": (Command.RELEASE,), "refused": ()}[case.kind]
    return [command for command in kinds if case.state in _STATES[command]]


def steps_to_retry(case: CaseView) -> list[str]:
    """Steps from which a case can be run again: those that it came to."""
    return [step.step for step in case.steps if step.state != "pending"]


class Commands:
    """Publishes commands. Safe for use by several threads."""

    def __init__(self, bus: Bus) -> None:
        self._producer = bus.producer()

    def send(
        self, case: CaseView, command: Command, *, actor: str, from_step: str = "", recompute: bool = False
    ) -> str:
        """Ask dispatch; the command's id, once it is durable.

        Raises
        ------
        Conflict
            The case is in no state for it, or did not come to `from_step`.
        Transient
            The bus did not take it.
        """
        if command not in allowed(case):
            raise Conflict(f"case {case.case_id}", f"it is {case.state}", f"'{command}' cannot be asked of it now")
        if from_step and from_step not in steps_to_retry(case):
            raise Conflict(
                f"case {case.case_id}",
                "it has not come to the step to start at",
                f"choose one of: {', '.join(steps_to_retry(case))}",
            )
        message = CaseCommand(
            command_id=uuid.uuid4().hex,
            kind=_KINDS[command],
            case_id=case.case_id,
            from_step=from_step if command == Command.RETRY else "",
            recompute=recompute and command == Command.RETRY,
            actor=actor,
        )
        self._producer.send(topics.COMMANDS, message.SerializeToString(), key=case.case_id.encode())
        self._producer.flush()
        metrics.COMMANDS.labels(command.value).inc()
        log.info("command-sent", case_id=case.case_id, command=command.value, from_step=from_step, actor=actor)
        return message.command_id

    def close(self) -> None:
        """Let go of the bus."""
        self._producer.close()
