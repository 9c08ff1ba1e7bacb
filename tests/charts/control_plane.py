"""A Kubernetes control plane for tests: API server, controllers and scheduler, with no node.

From a folder with ``bin/start PORT DIR`` (environment ``LUCIDRAY_K8S_HOME``), which runs one in the
foreground and writes ``DIR/kubeconfig``.
"""

import http.client
import json
import os
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from lucidray.launcher.ports import free_port

HOME = Path(os.environ.get("LUCIDRAY_K8S_HOME", Path(__file__).parents[2] / "../shared/k8s"))
START_SECONDS = 120.0
STOP_SECONDS = 20.0
PORTS = 5


class Cluster:
    """The API of a control plane, as its administrator."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        content = yaml.safe_load(kubeconfig.read_text())
        self._address = content["clusters"][0]["cluster"]["server"].removeprefix("https://")
        self._token = content["users"][0]["user"]["token"]
        # Its certificate is made anew at each start, and its address is this machine's.
        self._tls = ssl._create_unverified_context()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Status and answer of one request."""
        connection = http.client.HTTPSConnection(self._address, context=self._tls, timeout=30)
        with closing(connection):
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def make(self, path: str, body: dict[str, Any]) -> None:
        """Make an object."""
        status, answer = self.call("POST", path, body)
        assert status == http.client.CREATED, answer

    def items(self, path: str) -> list[dict[str, Any]]:
        """The objects of a collection."""
        status, answer = self.call("GET", path)
        assert status == http.client.OK, answer
        found: list[dict[str, Any]] = answer["items"]
        return found


def _free_ports() -> int:
    """The first of some ports that follow each other and were free a moment ago."""
    import socket

    while True:
        first = free_port()
        try:
            with _all_closed([socket.socket() for _ in range(PORTS)]) as probes:
                for offset, probe in enumerate(probes):
                    probe.bind(("127.0.0.1", first + offset))
        except (OSError, OverflowError):
            continue
        return first


@contextmanager
def _all_closed(sockets: list[Any]) -> Iterator[list[Any]]:
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


@contextmanager
def control_plane() -> Iterator[Cluster]:
    """A control plane while the context lasts."""
    start = HOME / "bin" / "start"
    if not start.exists():
        pytest.skip("needs a control plane: LUCIDRAY_K8S_HOME with bin/start")
    with tempfile.TemporaryDirectory(prefix="lucidray-k8s-") as folder, (Path(folder) / "start.log").open("wb") as log:
        command = [str(start), str(_free_ports()), folder]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, Path(folder))
            yield Cluster(Path(folder) / "kubeconfig")
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _wait(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "kubeconfig").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the control plane did not start: {(folder / 'start.log').read_text()[-2000:]}")
        time.sleep(0.1)
