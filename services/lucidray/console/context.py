"""What the console's routes work with."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from lucidray.console.access import Access
from lucidray.console.artifacts import CaseArtifacts
from lucidray.console.commands import Commands
from lucidray.console.worklist import Worklist
from lucidray.core.identity import SiteKey


@dataclass(frozen=True)
class Context:
    """Everything that a request may need. `site_key` is None where patients cannot be looked up."""

    worklist: Worklist
    artifacts: CaseArtifacts
    commands: Commands
    access: Access
    site_key: SiteKey | None = None
    reading: Callable[[], bool] = lambda: True  # whether the projection follows the ledger
    stop: threading.Event = field(default_factory=threading.Event)  # ends the streams


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(_context)]
