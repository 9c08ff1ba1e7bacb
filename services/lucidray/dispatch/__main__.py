"""Run dispatch as a process."""

from collections.abc import Callable
from contextlib import ExitStack

from lucidray.bus import open_bus
from lucidray.contracts.catalogue import STEPS
from lucidray.dispatch.app import start
from lucidray.runtime.service import all_topics, run_process
from lucidray.runtime.stop import Stop


def _start(stop: Stop, stack: ExitStack) -> Callable[[], bool]:
    bus = stack.enter_context(open_bus())
    bus.ensure_topics(all_topics(list(STEPS)))
    return start(bus, stop, stack)


if __name__ == "__main__":
    run_process("dispatch", _start)
