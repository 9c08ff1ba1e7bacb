"""A process that must not outlive the one that started it."""

import ctypes
import os
import signal
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with(parent: int) -> None:
    """Have this process killed when the one that started it ends, by SIGKILL too; on Linux, elsewhere nothing.

    Parameters
    ----------
    parent
        Its process id, as it knew it before it started this one.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was quicker
            os._exit(1)
