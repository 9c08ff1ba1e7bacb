"""Run the gateway as a process of its own."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

from lucidray.bus import open_bus
from lucidray.gateway.app import start
from lucidray.runtime.service import all_topics, run_process


def run() -> None:
    """Serve until SIGTERM or SIGINT."""
    run_process("gateway", _start)


def _start(stop: threading.Event, stack: ExitStack) -> Callable[[], bool]:
    bus = stack.enter_context(open_bus())
    bus.ensure_topics(all_topics([]))
    return start(bus, stop, stack)


if __name__ == "__main__":
    run()
