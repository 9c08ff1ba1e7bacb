"""A running gateway."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway.node import Node, gateway_threads, until


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A gateway with short time limits; it must leave no thread behind."""
    limits = {"pdu_seconds": 1.0, "idle_seconds": 20.0}
    with Node(tmp_path, limits=limits) as running:
        yield running
    until(lambda: not gateway_threads())
