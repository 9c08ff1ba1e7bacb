"""A gateway that is killed between two effects publishes what it acknowledged, and only that."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom import AE
from tests.gateway.node import Node, ct, part10, until

from lucidray.core.canonical import digest_bytes
from lucidray.core.errors import Permanent
from lucidray.core.faults import COMMIT_POINTS

SUCCESS = 0x0000

# A gateway process over a folder that tells its port and runs until it is killed.
CHILD = """
import json, sys, threading
from pathlib import Path
from tests.gateway.node import Node
with Node(Path(sys.argv[1])) as node:
    print(json.dumps(node.address[1]), flush=True)
    threading.Event().wait()
"""


def _send(port: int, file: bytes) -> int | None:
    """C-STORE to a gateway that may die meanwhile; status, or None without an answer."""
    dataset = dcmread(io.BytesIO(file))
    ae = AE("SENDER")
    ae.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association = ae.associate("127.0.0.1", port, ae_title="LUCIDRAY")
    assert association.is_established
    response = association.send_c_store(dataset)
    if association.is_established:
        association.release()
    association.join()
    return int(response.Status) if "Status" in response else None


@pytest.mark.parametrize("point", [name for name in COMMIT_POINTS if name.startswith("gateway.")])
def test_killed_at_a_commit_point(tmp_path: Path, point: str) -> None:
    file = part10(ct())
    environment = {**os.environ, "LUCIDRAY_CRASH_AT": point, "LUCIDRAY_CRASH_ONCE": str(tmp_path / "crashed")}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert child.stdout is not None
    with child, child.stdout:
        port = json.loads(next(line for line in child.stdout if line.strip().isdigit()))
        status = _send(port, file)
        assert child.wait(20) == -signal.SIGKILL
    assert status == (SUCCESS if point in ("gateway.uploaded", "gateway.published") else None)
    with Node(tmp_path) as node:
        node.relayed()
        published = {instance.byte_digest for instance in node.instances()}
        assert bool(published) == (point != "gateway.received")
        assert node.send(file) == [SUCCESS]  # as a sender does that got no answer
        node.relayed()
        instances = node.instances()
        assert len({instance.byte_digest for instance in instances}) == 1
        assert not any(instance.conflicting for instance in instances)
        (key,) = node.store.keys("intake/")
        assert digest_bytes(node.store.get(key)) == instances[0].byte_digest
        assert not node.files()


def test_strays_of_a_crash_are_removed(tmp_path: Path) -> None:
    node = Node(tmp_path)
    spool = tmp_path / "gateway"
    (spool / "never-acknowledged").write_bytes(b"half an object")
    with node:
        assert not node.files()
        assert node.gateway.ready()
    assert not node.gateway.ready()


def test_a_second_gateway_over_the_same_spool_does_not_start(tmp_path: Path) -> None:
    with Node(tmp_path) as node:
        half = tmp_path / "gateway" / "arriving"
        half.write_bytes(b"half an object")
        second = Node(tmp_path)
        with pytest.raises(Permanent, match=r"another running process uses it; .*gateway\.spool"):
            second.gateway.start()
        second.__exit__()
        assert half.exists()
        assert node.send(part10(ct())) == [SUCCESS]
    with Node(tmp_path) as node:
        assert node.gateway.ready()


def test_nothing_is_published_twice_after_a_clean_restart(tmp_path: Path) -> None:
    with Node(tmp_path) as node:
        assert node.send(part10(ct())) == [SUCCESS]
        node.relayed()
    with Node(tmp_path) as node:
        until(lambda: node.watermarks())
        assert len(node.instances()) == 1
