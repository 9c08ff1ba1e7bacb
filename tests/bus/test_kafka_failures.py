"""What Kafka's errors mean for us. No broker is needed: other things listen, or nothing does."""

import gc
import logging
import socket
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.errors import (
    FencedInstanceIdError,
    KafkaConfigurationError,
    KafkaTimeoutError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
)
from tests.kafka_broker import free_ports

from lucidray.bus import BusSettings, TopicSpec, open_bus
from lucidray.bus.kafka.failures import explain, unreachable
from lucidray.core.errors import LucidrayError, Permanent, Transient


@pytest.fixture(autouse=True)
def no_complaint_of_sockets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """kafka-python leaves sockets whose connection failed to the garbage collector."""
    caplog.set_level(logging.CRITICAL, "kafka")
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def listener() -> Iterator[str]:
    """Address of a server that takes connections, reads a little and says no word of Kafka."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(100)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def settings(servers: str, **fields: object) -> BusSettings:
    return BusSettings.load(
        {"kind": "kafka", "bootstrap_servers": servers, "connect_timeout_ms": 300, "sasl_username": "ada", **fields}
    )


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (TopicAuthorizationFailedError(), Permanent, "ada is not allowed to .*add the missing ACL"),
        (SaslAuthenticationFailedError(), Transient, "does not let ada log in by SCRAM-SHA-512; compare bus.sasl_user"),
        (FencedInstanceIdError(), Permanent, "same name"),
        (KafkaConfigurationError("no"), Permanent, "refuses its configuration"),
        (KafkaTimeoutError(), Transient, "did not carry it out .KafkaTimeoutError."),
    ],
)
def test_errors_name_the_servers_the_cause_and_the_remedy(
    error: Exception, kind: type[LucidrayError], text: str
) -> None:
    explained = explain(settings("broker:9092"), "topic x", error)
    assert type(explained) is kind
    with pytest.raises(kind, match=f"at broker:9092: .*{text}"):
        raise explained


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("client", ["admin", "producer", "consumer"])
def test_a_closed_port_is_named_and_no_thread_stays(client: str) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    before = set(threading.enumerate())
    with open_bus(settings(address)) as bus, pytest.raises(Transient, match=f"{address} does not answer .*refused"):
        if client == "admin":
            bus.ensure_topics([TopicSpec("topic")])
        elif client == "producer":
            bus.producer()
        else:
            bus.consumer("group", ["topic"])
    assert set(threading.enumerate()) <= before


def test_each_server_has_its_cause(listener: str) -> None:
    closed = f"127.0.0.1:{free_ports(1)[0]}"
    error = unreachable(settings(f"no-such-host.invalid:9092,{closed},127.0.0.1:word"))
    assert "no-such-host.invalid:9092 is no host name that can be resolved" in error.cause
    assert f"{closed} does not answer" in error.cause
    assert "127.0.0.1:word does not answer" in error.cause
    one_answers = unreachable(settings(f"{closed},{listener}"))
    assert one_answers.cause == "something answers, but not a broker that speaks PLAINTEXT"


def test_who_answers_and_does_not_let_in_is_told_from_who_does_not_answer(listener: str) -> None:
    login = {"security_protocol": "SASL_PLAINTEXT", "sasl_password_file": "unused"}
    assert "does not let ada log in" in unreachable(settings(listener, **login)).cause
    closed = f"127.0.0.1:{free_ports(1)[0]}"
    assert "does not answer" in unreachable(settings(closed, **login)).cause


def test_a_server_without_tls_is_named(listener: str) -> None:
    assert "does not speak TLS" in unreachable(settings(listener, security_protocol="SSL")).cause


def test_a_missing_password_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"password file .*absent: it cannot be read .*bus\.sasl_password_file"):
        open_bus(settings("broker:9092", security_protocol="SASL_SSL", sasl_password_file=str(tmp_path / "absent")))


def test_missing_certificates_are_named(tmp_path: Path) -> None:
    wrong = settings("127.0.0.1:9092", security_protocol="SSL", ssl_cafile=str(tmp_path / "absent.pem"))
    with open_bus(wrong) as bus, pytest.raises(LucidrayError, match=r"absent\.pem|ssl_cafile"):
        bus.producer()
