"""One study through the house as a hospital runs it: on Kafka, every service a process of its own."""

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.house import House, running_house
from tests.journeys.secrets import leaks, planted_secrets
from tests.kafka_broker import Broker, kafka_broker

from lucidray.bus import BusSettings, open_bus
from lucidray.contracts.catalogue import STEPS
from lucidray.core import topics
from lucidray.launcher.verify import verify
from lucidray.phantom import make_study
from lucidray.phantom.phi import plant_phi
from lucidray.runtime.service import all_topics

__all__ = ["kafka_broker"]

pytestmark = pytest.mark.kafka

SERVICES: dict[str, tuple[str, ...]] = {
    name: ("-m", f"lucidray.{name}") for name in ("gateway", "dispatch", "console", *STEPS)
}
SERVICES["reidentify"] = ("-m", "lucidray.deidentify", "reidentify")


@pytest.fixture(scope="module")
def house(kafka_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    environment = {
        "LUCIDRAY_BUS__KIND": "kafka",
        "LUCIDRAY_BUS__BOOTSTRAP_SERVERS": kafka_broker.address,
        "LUCIDRAY_WORKER__PROCESSES": "1",
        "LUCIDRAY_WORKER__URGENT": "false",
        # Twelve interpreters start on what may be two cores.
        "OMP_NUM_THREADS": "1",
    }
    with running_house(tmp_path_factory.mktemp("kafka-house"), environment, SERVICES) as house:
        yield house


def test_every_service_is_a_process_of_its_own_and_the_results_come_back(house: House, kafka_broker: Broker) -> None:
    assert len(house.supervisor.processes) == len(STEPS) + 3
    planted = plant_phi(make_study(41).datasets, 41)
    known = house.known()
    assert not house.send(planted.datasets).failed
    case = house.wait_new(known)
    assert case["state"] == "completed", case
    uid = str(planted.datasets[0].StudyInstanceUID)
    assert verify(house.results(uid), planted.datasets, None).problems == []
    assert not list(house.data.glob("bus*")), "the embedded bus must have no part in it"

    records = every_record(kafka_broker.address)
    names = {topic for topic, _ in records}
    assert {topics.INTAKE, topics.RETURNED, topics.LEDGER} <= names
    assert len([name for name in names if name.startswith("lucidray.step.")]) == len(STEPS)
    contents = [*records, (str(house.log), house.log.read_bytes())]
    assert leaks(contents, planted_secrets(planted)) == set()


def test_a_stopped_service_goes_on_where_it_was(house: House) -> None:
    """A rolling update of a step while a case waits for it."""
    segment = house.supervisor.processes["segment"].process
    assert segment is not None
    os.kill(segment.pid, signal.SIGTERM)
    study = make_study(42)
    known = house.known()
    house.send(study.datasets)
    case = house.wait_new(known)  # tends the processes: the service is started again
    assert case["state"] == "completed", case
    assert verify(house.results(study.study_instance_uid), study.datasets, study.truth).problems == []


def every_record(address: str) -> Sequence[tuple[str, bytes]]:
    """Topic and bytes (key, value, headers) of every record of every topic of the house."""
    with open_bus(BusSettings(kind="kafka", bootstrap_servers=(address,))) as bus:
        names = [topic.name for topic in all_topics(list(STEPS))]
        found: list[tuple[str, bytes]] = []
        wanted = sum(bus.lag("lucidray.test.reader", names).values())  # gateways go on sending watermarks
        with bus.consumer("lucidray.test.reader", names) as consumer:
            while len(found) < wanted:
                for each in consumer.poll(1.0):
                    content = (each.key or b"", each.value, *each.headers.values())
                    found.append((each.topic, b"\n".join(content)))
    return found


def test_stop_is_clean(house: House, tmp_path: Path) -> None:
    """SIGTERM ends every process with status 0."""
    house.supervisor.stop()
    codes = {name: each.process.returncode for name, each in house.supervisor.processes.items() if each.process}
    assert codes == dict.fromkeys(SERVICES, 0)
