"""Run the console as a process: `python -m lucidray.console [--rebuild]`."""

import argparse
from collections.abc import Callable
from contextlib import ExitStack

from lucidray.bus import open_bus
from lucidray.console.app import start
from lucidray.runtime.service import all_topics, run_process
from lucidray.runtime.stop import Stop


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m lucidray.console", description=__doc__)
    parser.add_argument("--rebuild", action="store_true", help="make the console's tables anew from the ledger's topic")
    rebuild: bool = parser.parse_args().rebuild

    def begin(stop: Stop, stack: ExitStack) -> Callable[[], bool]:
        bus = stack.enter_context(open_bus())
        bus.ensure_topics(all_topics([]))
        return start(bus, stop, stack, rebuild=rebuild)

    run_process("console", begin)


if __name__ == "__main__":
    main()
