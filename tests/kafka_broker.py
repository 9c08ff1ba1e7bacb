"""A real Kafka broker for tests: one per session, on free ports, in a temporary folder.

From an Apache Kafka distribution (environment ``KAFKA_HOME``, with ``libs/*.jar``) and a
Java, or from the image apache/kafka where a Docker daemon answers.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest

START_SECONDS = 60.0
IMAGE = "apache/kafka:4.1.0"
CLUSTER_ID = "bHVjaWRyYXktdGVzdC0wMQ"
FORMAT = "kafka.tools.StorageTool"

# Topics are code here (nothing is created by asking for it), rebalances do not wait, and a
# killed broker may come back at once (the controller holds its place for a session time-out).
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{bind}:{port},CONTROLLER://{bind}:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1000
controller.quorum.election.timeout.ms=200
"""

# The same broker with log-in: SCRAM users are given when the folder is formatted.
SECURE_PROPERTIES = """
listeners=SASL_PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="{password}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
"""


class Broker(Protocol):
    """A running broker."""

    @property
    def address(self) -> str:
        """``host:port`` to bootstrap from."""

    def start(self) -> None:
        """Start it, or start it again with the data that it had; return when it answers."""

    def kill(self) -> None:
        """Stop it without warning (SIGKILL)."""

    def stop(self) -> None:
        """Stop it for good."""


class DistributionBroker:
    """Apache Kafka from `home`, in a Java of this machine.

    Parameters
    ----------
    home
        Folder with ``libs/*.jar``.
    folder
        Where properties, data and the broker's output go.
    users
        SCRAM-SHA-512 users and passwords; with any, clients must log in. Must hold ``admin``.
    """

    def __init__(self, home: Path, folder: Path, users: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._port, controller = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None
        self._users = users or {}
        self._java = ["java", "-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{home}/libs/*"]
        values = {"port": self._port, "controller": controller, "data": folder / "data", "host": "127.0.0.1"}
        text = PROPERTIES.format(bind="127.0.0.1", **values)
        if users:
            text += SECURE_PROPERTIES.format(password=users["admin"], **values)
        (folder / "server.properties").write_text(text)
        # Without a configuration log4j prints each of the broker's errors on the terminal.
        (folder / "log4j2.yaml").write_text("Configuration: {Loggers: {Root: {level: 'OFF'}}}\n")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        properties = str(self._folder / "server.properties")
        logging = f"-Dlog4j2.configurationFile={self._folder}/log4j2.yaml"
        with (self._folder / "output").open("ab") as output:
            if not (self._folder / "data").exists():
                scram = [f"SCRAM-SHA-512=[name={name},password={word}]" for name, word in self._users.items()]
                users = [argument for one in scram for argument in ("--add-scram", one)]
                command = [*self._java, logging, FORMAT, "format", "-t", CLUSTER_ID, "-c", properties, *users]
                subprocess.run(command, check=True, stdout=output, stderr=output, timeout=START_SECONDS)
            self._process = subprocess.Popen(
                [*self._java, logging, "kafka.Kafka", properties], stdout=output, stderr=output
            )
        self._wait()

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()  # nothing of its data is kept: no need to wait for a clean stop
            self._process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self._port):
            stopped = self._process is None or self._process.poll() is not None
            if stopped or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError((self._folder / "output").read_text()[-2000:])
            time.sleep(0.05)


class DockerBroker:
    """The image apache/kafka, its port published on the loopback interface."""

    def __init__(self) -> None:
        self._port, controller = free_ports(2)
        values = {"port": self._port, "controller": controller, "data": "/tmp/kafka", "host": "localhost"}
        lines = PROPERTIES.format(bind="0.0.0.0", **values).split()
        settings = dict(line.split("=", 1) for line in lines)
        environment = [
            argument
            for name, value in settings.items()
            for argument in ("-e", f"KAFKA_{name.upper().replace('.', '_')}={value}")
        ]
        publish = f"127.0.0.1:{self._port}:{self._port}"
        command = ["docker", "create", "-p", publish, *environment, IMAGE]
        self._container = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        self._docker("start")
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self._port):
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{IMAGE} does not answer on {self.address}")
            time.sleep(0.1)

    def kill(self) -> None:
        self._docker("kill")

    def stop(self) -> None:
        self._docker("rm", "--force")

    def _docker(self, *command: str) -> None:
        subprocess.run(["docker", *command, self._container], check=True, capture_output=True)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def kafka_home() -> Path:
    """The Kafka distribution to test with; skips the test where there is none."""
    home = Path(os.environ.get("KAFKA_HOME", ""))
    if not os.environ.get("KAFKA_HOME") or not list(home.glob("libs/kafka-server-[0-9]*.jar")):
        pytest.skip("needs KAFKA_HOME, the folder of an Apache Kafka distribution (with libs/*.jar)")
    if shutil.which("java") is None:
        pytest.skip("needs Java 17 or later on the PATH to run the broker of KAFKA_HOME")
    return home


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for the whole session; each test takes topics and groups of its own."""
    broker: Broker
    if os.environ.get("KAFKA_HOME"):
        broker = DistributionBroker(kafka_home(), tmp_path_factory.mktemp("kafka"))
    elif _docker_answers():
        broker = DockerBroker()
    else:
        pytest.skip("needs KAFKA_HOME, the folder of an Apache Kafka distribution (with libs/*.jar), or Docker")
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "version"], capture_output=True, timeout=10).returncode == 0


def _answers(port: int) -> bool:
    """Whether a broker (not only its port) answers: it returns the versions of its protocol."""
    # ApiVersions, version 0, correlation id 1, no client id; any broker answers it without log-in.
    request = bytes.fromhex("0000000a 0012 0000 00000001 ffff")
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=1)) as connection:
            connection.sendall(request)
            return len(connection.recv(8)) == 8
    except OSError:
        return False
