"""Kafka beyond the contract: log-in, permissions, copies, and a broker that stays away."""

import gc
import logging
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kafka_broker import Broker, DistributionBroker, kafka_broker, kafka_home

from lucidray.bus import BusSettings, TopicSpec, open_bus
from lucidray.core.errors import Permanent, Transient

__all__ = ["kafka_broker"]

pytestmark = pytest.mark.kafka

PASSWORDS = {"admin": "admin-secret", "lucidray": "lucidray-secret"}


@pytest.fixture(scope="module")
def secure_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that asks for a log-in and lets only `admin` do anything."""
    broker = DistributionBroker(kafka_home(), tmp_path_factory.mktemp("secure-kafka"), PASSWORDS)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture(autouse=True)
def no_complaint_of_sockets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """kafka-python leaves sockets whose connection failed to the garbage collector."""
    caplog.set_level(logging.CRITICAL, "kafka")
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def settings(broker: Broker, folder: Path, user: str, password: str) -> BusSettings:
    file = folder / "password"
    file.write_text(f"{password}\n")
    return BusSettings(
        kind="kafka",
        bootstrap_servers=(broker.address,),
        security_protocol="SASL_PLAINTEXT",
        sasl_username=user,
        sasl_password_file=file,
        connect_timeout_ms=3_000,
        delivery_timeout_ms=2_000,
    )


def test_lag_may_be_the_first_question_to_a_new_cluster(secure_broker: Broker, tmp_path: Path) -> None:
    # Kafka makes its own topic of offsets only now, and answers meanwhile that it cannot say.
    with open_bus(settings(secure_broker, tmp_path, "admin", PASSWORDS["admin"])) as bus:
        bus.ensure_topics([TopicSpec("topic", 2)])
        assert set(bus.lag("group", ["topic", "absent"]).values()) == {0}


def test_the_right_password_lets_in(secure_broker: Broker, tmp_path: Path) -> None:
    with open_bus(settings(secure_broker, tmp_path, "admin", PASSWORDS["admin"])) as bus:
        bus.ensure_topics([TopicSpec("topic", 2)])
        with bus.producer() as producer, bus.consumer("group", ["topic"], member="worker-0") as consumer:
            producer.send("topic", b"value")
            producer.flush()
            assert [record.value for record in consumer.poll(30)] == [b"value"]


def test_a_wrong_password_is_told_from_a_dead_broker(secure_broker: Broker, tmp_path: Path) -> None:
    with open_bus(settings(secure_broker, tmp_path, "admin", "mistyped")) as bus:
        with pytest.raises(Transient, match="it answers, but does not let admin log in") as caught:
            bus.producer()
        assert "mistyped" not in str(caught.value)
        assert secure_broker.address in str(caught.value)


def test_a_missing_permission_is_permanent(secure_broker: Broker, tmp_path: Path) -> None:
    with open_bus(settings(secure_broker, tmp_path, "lucidray", PASSWORDS["lucidray"])) as bus:
        with pytest.raises(Permanent, match="lucidray is not allowed to"):
            bus.ensure_topics([TopicSpec("topic", 2)])
        with bus.consumer("group", ["topic"]) as consumer, pytest.raises(Permanent, match="not allowed to"):
            for _ in range(100):
                consumer.poll(0.2)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_records_that_nobody_took_fail_the_flush(secure_broker: Broker, tmp_path: Path) -> None:
    with open_bus(settings(secure_broker, tmp_path, "admin", PASSWORDS["admin"])) as bus:
        bus.ensure_topics([TopicSpec("topic", 2)])
        producer = bus.producer()
        producer.send("topic", b"arrives")
        producer.flush()
        secure_broker.kill()
        producer.send("topic", b"does not arrive")
        with pytest.raises(Transient, match=f"topic topic at {secure_broker.address}"):
            producer.flush()
        producer.close()  # all failures are known: nothing to raise again
        with pytest.raises(Transient, match=secure_broker.address):
            bus.ensure_topics([TopicSpec("other")])


def test_more_copies_than_brokers_are_refused(kafka_broker: Broker) -> None:
    with (
        open_bus(BusSettings(kind="kafka", bootstrap_servers=(kafka_broker.address,), replication_factor=3)) as bus,
        pytest.raises(Permanent, match=r"the cluster cannot hold 3 copies; lower bus\.replication_factor"),
    ):
        bus.ensure_topics([TopicSpec(f"topic-{uuid.uuid4().hex}")])


def test_a_topic_that_is_not_there_is_not_made_by_sending(
    kafka_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lucidray.bus.kafka.producer.UNKNOWN_TOPIC_MS", 500)
    absent = f"absent-{uuid.uuid4().hex}"
    with open_bus(BusSettings(kind="kafka", bootstrap_servers=(kafka_broker.address,))) as bus:
        with bus.producer() as producer, pytest.raises(Transient, match=f"topic {absent} at"):
            producer.send(absent, b"value")
        assert bus.lag("group", [absent]) == {}
