"""A console in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.console.scenes import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A console without token."""
    made = Stage(tmp_path)
    yield made
    made.close()


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __getattr__(self, level: str) -> Any:
        return lambda event, **values: self.lines.append(f"{level} {event} {values}")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """What the console's modules log, as it is handed to the logger."""
    kept = Log()
    for module in ("app", "commands", "follower", "projection", "web"):
        monkeypatch.setattr(f"lucidray.console.{module}.log", kept)
    return kept
