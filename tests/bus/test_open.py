"""Opening the bus that the settings name."""

import subprocess
import sys
from pathlib import Path

import pytest

from lucidray.bus import BusSettings, open_bus
from lucidray.core.errors import Permanent

USE_SQLITE = """
import sys
from lucidray.bus import TopicSpec, open_bus
with open_bus() as bus:
    bus.ensure_topics([TopicSpec("topic")])
    with bus.producer() as producer, bus.consumer("group", ["topic"]) as consumer:
        producer.send("topic", b"value")
        producer.flush()
        assert len(consumer.poll(10)) == 1
print("kafka" in sys.modules)
"""


def test_one_machine_needs_no_kafka_library(tmp_path: Path) -> None:
    command = [sys.executable, "-c", USE_SQLITE]
    environment = {"LUCIDRAY_CORE__DATA": str(tmp_path)}
    assert subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout == "False\n"
    assert (tmp_path / "bus.db").exists()


def test_a_missing_kafka_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name == "kafka" or name.startswith("lucidray.bus.kafka")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "kafka", None)
    with pytest.raises(Permanent, match=r"package kafka is not installed; install lucidray\[kafka\]"):
        open_bus(BusSettings(kind="kafka", bootstrap_servers=("localhost:1",)))
