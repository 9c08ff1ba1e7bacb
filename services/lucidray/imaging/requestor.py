"""Associations that we ask for, without the race that pynetdicom 3.0.4 has in them.

Its association thread rests at a checkpoint while a request waits for its response. Awake again but not yet running,
for the machine is busy, the thread still counts as resting: the next request goes out, and the thread takes the
response for a message that nobody asked for. The request then waits for its whole timeout, and the association is lost.
"""

import threading

from pynetdicom import evt
from pynetdicom.association import Association

_LOOK_SECONDS = 0.05  # for an association that ends without coming to rest


class _Checkpoint(threading.Event):
    """Where the thread rests: closed by who sends, who then waits until it does rest, and opened after the response."""

    def __init__(self, association: Association) -> None:
        super().__init__()
        self._association = association
        self._moved = threading.Condition()
        self._open, self._resting = True, False

    def is_set(self) -> bool:
        return self._open

    def set(self) -> None:
        with self._moved:
            self._open = True
            self._moved.notify_all()

    def clear(self) -> None:
        with self._moved:
            self._open = False
            if threading.current_thread() is not self._association:
                while not self._resting and self._association.is_alive():
                    self._moved.wait(_LOOK_SECONDS)

    def wait(self, timeout: float | None = None) -> bool:
        with self._moved:
            while not self._open:  # asked anew after every waking: it may have been closed again meanwhile
                self._resting = True
                self._moved.notify_all()
                self._moved.wait(timeout)
            self._resting = False
        return True


def steady(event: evt.Event) -> None:
    """Handler of EVT_CONN_OPEN, before the association's thread starts."""
    event.assoc._reactor_checkpoint = _Checkpoint(event.assoc)
