"""What ends a process, and whether it ends in order."""

import threading


class Stop(threading.Event):
    """Set to end a process: by a signal, or by a part that failed.

    A process whose part failed must not exit as if it had been told to: Kubernetes would take a job for done, and a
    supervisor would not say what happened.
    """

    failed = False

    def fail(self) -> None:
        """A part of the process has ended by an unexpected failure, which is in the log."""
        self.failed = True
        self.set()
