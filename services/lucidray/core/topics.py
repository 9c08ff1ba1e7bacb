"""Names of the topics, and which message each carries."""

from lucidray.v1.case_pb2 import Priority

INTAKE = "lucidray.intake"  # IntakeEvent, keyed by study_key
RETURNED = "lucidray.returned"  # CaseReturned: retry, parked, finished; read by dispatch
COMMANDS = "lucidray.commands"  # CaseCommand; read by dispatch
LEDGER = "lucidray.ledger.events"  # LedgerEvent

# Fixed: the gateway sends each of them a watermark, and a key must never change its partition.
INTAKE_PARTITIONS = 8
STEP_PARTITIONS = 4


def step_topic(step: str, priority: Priority) -> str:
    """Topic on which a step receives its cases of one priority."""
    urgent = priority == Priority.PRIORITY_URGENT
    return f"lucidray.step.{step}.{'urgent' if urgent else 'routine'}"
