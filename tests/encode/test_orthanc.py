"""A PACS of another maker takes SEG and SR and gives them back."""

import io
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from sqlalchemy import create_engine

from lucidray.contracts.catalogue import DELIVERABLES
from lucidray.contracts.parameters import DeliverParameters, EncodeParameters
from lucidray.core.clock import ManualClock
from lucidray.deliver.attempts import Attempts, metadata
from lucidray.deliver.settings import DeliverSettings, Destination
from lucidray.deliver.step import DeliverStep
from lucidray.encode.settings import EncodeSettings
from lucidray.encode.step import EncodeStep
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs

ORTHANC = shutil.which("Orthanc")
START_SECONDS = 30


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
        content: bytes = response.read()
        return content


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """DICOM and HTTP ports of a running Orthanc with its default storage classes."""
    dicom, http = free_ports(2)
    configuration = {
        "StorageDirectory": str(tmp_path / "storage"),
        "IndexDirectory": str(tmp_path / "index"),
        "DicomPort": dicom,
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowFind": True,
        "DicomServerEnabled": True,
        "Plugins": [],
    }
    (tmp_path / "orthanc.json").write_text(json.dumps(configuration))
    assert ORTHANC is not None
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen([ORTHANC, "orthanc.json"], cwd=tmp_path, stderr=log) as process,
    ):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                get(http, "/system")
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.1)
        yield dicom, http
        process.terminate()


@pytest.mark.skipif(ORTHANC is None, reason="needs Orthanc on the PATH (apt install orthanc)")
def test_orthanc_takes_the_results(
    orthanc: tuple[int, int], artifacts: Callable[[], list[Artifact[Any]]], case: CaseFacts
) -> None:
    dicom, http = orthanc
    results = EncodeStep(EncodeSettings(), ManualClock()).run(case, GivenInputs(artifacts()), EncodeParameters())
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    place = Destination(name="Orthanc", host="127.0.0.1", port=dicom, called_ae_title="ORTHANC", verify_patient=True)
    step = DeliverStep(DeliverSettings(destinations=(place,)), Attempts(engine, ManualClock()))
    given = [Artifact(DELIVERABLES, artifact.value, artifact.role) for artifact in results.artifacts]
    first = step.run(case, GivenInputs(given), DeliverParameters())
    assert first.summary == {"Orthanc": "SEG stored, SR stored"}
    engine.dispose()
    held = [dcmread(io.BytesIO(get(http, f"/instances/{uid}/file"))) for uid in json.loads(get(http, "/instances"))]
    sent = {dcmread(io.BytesIO(artifact.value[0])).SOPInstanceUID: artifact.value[0] for artifact in results.artifacts}
    assert {document.SOPInstanceUID: document for document in held} == {
        uid: dcmread(io.BytesIO(data)) for uid, data in sent.items()
    }
    (study,) = json.loads(get(http, "/studies?expand"))
    assert study["PatientMainDicomTags"]["PatientID"] == "P-0001"

    # With an empty table it is all sent again: the patient is compared with what Orthanc holds, nothing is doubled.
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    again = DeliverStep(DeliverSettings(destinations=(place,)), Attempts(engine, ManualClock()))
    assert not again.run(case, GivenInputs(given), DeliverParameters()).quality
    engine.dispose()
    assert len(json.loads(get(http, "/instances"))) == len(given)
