"""Group commit: whoever comes while a commit runs shares the next one.

A commit costs a few disk flushes, whatever it holds. The first caller commits for all who wait;
a lone caller waits for nobody, and no thread is needed.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Entry = TypeVar("Entry")
Outcome = TypeVar("Outcome")


class _Ticket(Generic[Entry, Outcome]):
    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.done = False
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None


class GroupCommit(Generic[Entry, Outcome]):
    """Runs `commit` over batches of entries, one batch at a time.

    Parameters
    ----------
    commit
        Makes the entries durable and returns one outcome each, or raises for all of them.
    """

    def __init__(self, commit: Callable[[Sequence[Entry]], Sequence[Outcome]]) -> None:
        self._commit = commit
        self._changed = threading.Condition()
        self._waiting: list[_Ticket[Entry, Outcome]] = []
        self._busy = False

    def submit(self, entry: Entry) -> Outcome:
        """Return when `entry` is committed; raises what the commit of its batch raised."""
        ticket: _Ticket[Entry, Outcome] = _Ticket(entry)
        with self._changed:
            self._waiting.append(ticket)
            while self._busy and not ticket.done:
                self._changed.wait()
            if not ticket.done:
                self._busy = True
                batch, self._waiting = self._waiting, []
        if not ticket.done:
            self._lead(batch)
        if ticket.error is not None:
            raise ticket.error
        assert ticket.outcome is not None
        return ticket.outcome

    def _lead(self, batch: Sequence[_Ticket[Entry, Outcome]]) -> None:
        try:
            outcomes = self._commit([ticket.entry for ticket in batch])
            for ticket, outcome in zip(batch, outcomes, strict=True):
                ticket.outcome = outcome
        except BaseException as error:
            for ticket in batch:
                ticket.error = error
        finally:
            with self._changed:
                for ticket in batch:
                    ticket.done = True
                self._busy = False
                self._changed.notify_all()
