"""Run the gateway as a process of its own."""

from collections.abc import Callable
from contextlib import ExitStack

from lucidray.bus import open_bus
from lucidray.gateway.app import start
from lucidray.runtime.service import all_topics, run_process
from lucidray.runtime.stop import Stop


def run() -> None:
    """Serve until SIGTERM or SIGINT."""
    run_process("gateway", _start)


def _start(stop: Stop, stack: ExitStack) -> Callable[[], bool]:
    bus = stack.enter_context(open_bus())
    bus.ensure_topics(all_topics([]))
    return start(bus, stop, stack)


if __name__ == "__main__":
    run()
