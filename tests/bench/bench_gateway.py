"""`make bench-gateway`: one association that stores, against stock pynetdicom and DCMTK's storescp.

One sender with pre-encoded messages, TCP_NODELAY on both sides (with Nagle's algorithm every
receiver shows 44 ms an object, and nothing else). The receivers take turns in every round. The
gateway flushes each object and its index row to the disk before it answers; so does the stock
pynetdicom with a handler that flushes file, folder and row. storescp and the other pynetdicom leave
that to the kernel: they are shown without a goal.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.table import compare, report
from tests.gateway.node import RawPeer, ct, data_set, p_data, part10, store_command

ROUNDS = 7
GOAL = 1.0  # times the seconds of stock pynetdicom with flushes
PDU_BYTES = 16384  # what every receiver here takes
UID = "1.2.826.0.1.3680043.10.54321.1000000000"

GATEWAY = """
import json, sys, threading
from pathlib import Path
from lucidray.core import logging
from tests.gateway.node import Node
logging.configure("gateway")
with Node(Path(sys.argv[1])) as node:
    print(json.dumps(node.address[1]), flush=True)
    threading.Event().wait()
"""
# What a careful user of pynetdicom writes for the same promise (FLUSH), and what the tutorials do.
PYNETDICOM = """
import os, sqlite3, sys, threading
from pathlib import Path
from pynetdicom import AE, AllStoragePresentationContexts, _config, evt
_config.LOG_HANDLER_LEVEL = "none"
folder, lock = Path(sys.argv[1]), threading.Lock()
index = sqlite3.connect(folder / "index.db", isolation_level=None, check_same_thread=False)
index.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE instance (uid PRIMARY KEY)")
def keep(event):
    with open(folder / event.request.AffectedSOPInstanceUID, "wb") as file:
        file.write(event.encoded_dataset())
        if FLUSH:
            file.flush()
            os.fsync(file.fileno())
    if FLUSH:
        names = os.open(folder, os.O_RDONLY)
        os.fsync(names)
        os.close(names)
        with lock:
            index.execute("INSERT INTO instance VALUES (?)", (str(event.request.AffectedSOPInstanceUID),))
    return 0
ae = AE("STOCK")
ae.maximum_pdu_size = 131072
ae.supported_contexts = AllStoragePresentationContexts
server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])
server.socket.setsockopt(6, 1, 1)
print(server.server_address[1], flush=True)
threading.Event().wait()
"""


@dataclass(frozen=True)
class Workload:
    """Objects of one kind."""

    name: str
    side: int
    count: int


WORKLOADS = (Workload("528 kB CT slice", 512, 40), Workload("4 kB object", 32, 80))
OURS, FLUSHING, STOCK, DCMTK = "gateway", "pynetdicom, flushing", "pynetdicom, no flush", "storescp, no flush"


@contextmanager
def _python(code: str, folder: Path) -> Iterator[int]:
    """A receiver in Python that tells its port."""
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert child.stdout is not None
    try:
        yield int(next(line for line in child.stdout if line.strip().isdigit()))
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@contextmanager
def _storescp(folder: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = {**os.environ, "TCP_NODELAY": "1"}
    command = ["storescp", "--output-directory", str(folder), "--max-pdu", "131072", str(port)]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionError:
                time.sleep(0.05)
        yield port
    finally:
        child.kill()
        child.wait()


class Sender:
    """Objects that differ only in their SOPInstanceUID."""

    def __init__(self) -> None:
        self._number = 0
        self._bodies = {workload: self._body(workload.side) for workload in WORKLOADS}

    @staticmethod
    def _body(side: int) -> bytes:
        dataset = ct(side)
        dataset.SOPInstanceUID = UID
        return data_set(part10(dataset))

    def send(self, port: int, workload: Workload) -> float:
        """Seconds for all objects of a workload over one association."""
        messages = []
        for _ in range(workload.count):
            self._number += 1
            uid = f"{UID[:-10]}{10**9 + self._number}".encode()
            body = self._bodies[workload].replace(UID.encode(), uid)
            messages.append(p_data(1, store_command(uid), command=True) + p_data(1, body, size=PDU_BYTES - 6))
        with RawPeer(("127.0.0.1", port)) as peer:
            peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.associate()
            began = time.perf_counter()
            for message in messages:
                peer.socket.sendall(message)
                if peer.status() != 0:
                    raise SystemExit(f"port {port} did not store")
            return time.perf_counter() - began


def measure() -> dict[tuple[str, Workload], list[float]]:
    """Milliseconds an object, of every round, for each receiver and workload."""
    sender = Sender()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receivers: dict[str, Callable[[Path], AbstractContextManager[int]]] = {
            OURS: lambda own: _python(GATEWAY, own),
            FLUSHING: lambda own: _python("FLUSH = True" + PYNETDICOM, own),
            STOCK: lambda own: _python("FLUSH = False" + PYNETDICOM, own),
        }
        if shutil.which("storescp"):
            receivers[DCMTK] = _storescp
        ports = {}
        for name, receiver in receivers.items():
            (folder / name).mkdir()
            ports[name] = stack.enter_context(receiver(folder / name))
        times: dict[tuple[str, Workload], list[float]] = {(name, each): [] for name in ports for each in WORKLOADS}
        for turn in range(ROUNDS + 1):
            for workload in WORKLOADS:
                for name, port in ports.items():
                    seconds = sender.send(port, workload)
                    if turn:  # the first round warms up
                        times[name, workload].append(1000 * seconds / workload.count)
    return times


def main() -> None:
    """Print the table, leave the JSON; exit 1 when the goal is clearly missed."""
    times = measure()
    rows = []
    for (peer, workload), theirs in times.items():
        if peer != OURS:
            figure = f"C-STORE, {workload.name}"
            row = compare(figure, times[OURS, workload], "ms", peer, theirs, at_most=GOAL)
            rows.append(row if peer == FLUSHING else replace(row, goal="none", met=True))
    report("gateway", sorted(rows, key=lambda row: row.figure))


if __name__ == "__main__":
    main()
