"""Named commit points at which a test may kill the process.

A durable system is proved by stopping it between two effects. Each such place calls
`commit_point` with its name; in production the call does nothing. The fault tests set
``LUCIDRAY_CRASH_AT=<name>`` and ``LUCIDRAY_CRASH_ONCE=<file>``: the first process that
reaches the point creates the file and kills itself with SIGKILL; later ones pass.
"""

import os
import signal

COMMIT_POINTS: dict[str, str] = {
    "gateway.received": "bytes are durable, index row not yet written",
    "gateway.indexed": "index and outbox rows committed, Success not yet sent",
    "gateway.uploaded": "object in the clinical store, event not yet published",
    "gateway.published": "event published, outbox row not yet marked",
    "dispatch.indexed": "instances indexed, consumer offset not yet committed",
    "dispatch.opened": "case and outbox rows committed, case not yet published",
    "dispatch.published": "case published, outbox row not yet marked",
    "worker.computed": "outputs computed, nothing stored yet",
    "worker.stored": "blobs stored, manifest not yet committed",
    "worker.committed": "manifest committed, case not yet forwarded",
    "worker.forwarded": "case forwarded, consumer offset not yet committed",
    "deliver.sent": "objects accepted by the destination, receipt not yet recorded",
}


def commit_point(name: str, scope: str = "") -> None:
    """Kill this process if a test asked for it at this point.

    Parameters
    ----------
    name
        One of `COMMIT_POINTS`.
    scope
        Narrows a point that several services share, e.g. the step of a worker point;
        ``LUCIDRAY_CRASH_AT=worker.stored:segment`` matches only that step.
    """
    wanted = os.environ.get("LUCIDRAY_CRASH_AT")
    if not wanted or wanted not in (name, f"{name}:{scope}"):
        return
    try:
        os.close(os.open(os.environ["LUCIDRAY_CRASH_ONCE"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
