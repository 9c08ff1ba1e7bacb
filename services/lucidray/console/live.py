"""What changed, as a stream of server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from lucidray.console.view import CaseView
from lucidray.console.worklist import Worklist

LOOK_SECONDS = 0.5  # the database is asked, so that replicas need not know of each other
SILENT_LOOKS = 30  # after so many without news a comment keeps proxies from closing the stream


async def stream(worklist: Worklist, since: int | None, stop: threading.Event) -> AsyncIterator[str]:
    """Events of all changes after revision `since`, or from now on."""
    revision = await run_in_threadpool(worklist.revision) if since is None else since
    yield f"retry: 2000\nid: {revision}\nevent: ready\ndata: {{}}\n\n"
    silent = 0
    while not stop.is_set():
        number, cases = await run_in_threadpool(worklist.changed, revision)
        if cases or number < revision:  # smaller: the projection was made anew
            revision, silent = number, 0
            for case in cases:
                yield f"id: {revision}\nevent: case\ndata: {json.dumps(_said(case))}\n\n"
        elif (silent := silent + 1) % SILENT_LOOKS == 0:
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_SECONDS)


def _said(case: CaseView) -> dict[str, str]:
    return {"case_id": case.case_id, "state": case.state.value, "step": case.step, "next_step": case.next_step}
