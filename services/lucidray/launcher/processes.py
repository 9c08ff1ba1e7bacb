"""The three processes of one machine: each restarts alone."""

from collections.abc import Callable
from contextlib import ExitStack

from lucidray.bus import open_bus
from lucidray.contracts.catalogue import ANALYSIS, STEPS
from lucidray.runtime.service import all_topics, run_process, start_steps
from lucidray.runtime.stop import Stop

ANALYSIS_STEPS = [name for name, spec in STEPS.items() if spec.zone == ANALYSIS and name != "deidentify"]
CLINICAL_STEPS = [name for name in STEPS if name not in ANALYSIS_STEPS]

Start = Callable[[Stop, ExitStack], Callable[[], bool]]


def _gateway(stop: Stop, stack: ExitStack) -> Callable[[], bool]:
    from lucidray.gateway.app import start

    bus = stack.enter_context(open_bus())
    bus.ensure_topics(all_topics([]))
    return start(bus, stop, stack)


def _control(stop: Stop, stack: ExitStack) -> Callable[[], bool]:
    from lucidray.console.app import start as start_console
    from lucidray.deidentify.opened import check_keys
    from lucidray.dispatch.app import start as start_dispatch

    check_keys()
    bus = stack.enter_context(open_bus())
    bus.ensure_topics(all_topics(list(STEPS)))
    parts = [
        start_dispatch(bus, stop, stack),
        start_console(bus, stop, stack),
        start_steps(CLINICAL_STEPS, stop, stack),
    ]
    return lambda: all(ready() for ready in parts)


def _compute(stop: Stop, stack: ExitStack) -> Callable[[], bool]:
    return start_steps(ANALYSIS_STEPS, stop, stack)


PROCESSES: dict[str, Start] = {"gateway": _gateway, "control": _control, "compute": _compute}


def run(name: str) -> None:
    """Run one of `PROCESSES` until it is told to stop."""
    run_process(name, PROCESSES[name])
