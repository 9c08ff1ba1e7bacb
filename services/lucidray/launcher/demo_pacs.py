"""The PACS of the demonstration: Orthanc where it is installed, else our own small one."""

import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx
from pydicom import Dataset, dcmread

from lucidray.core.errors import Permanent
from lucidray.launcher.ports import free_port
from lucidray.phantom.pacs import Pacs

AE_TITLE = "DEMOPACS"
START_SECONDS = 30.0


class DemoPacs(Protocol):
    """What the demonstration needs of a PACS."""

    name: str
    port: int

    def study(self, study_instance_uid: str, modalities: tuple[str, ...]) -> list[Dataset]:
        """The objects of some modalities in a study, whole."""
        ...


@dataclass
class SmallPacs:
    """Our own."""

    pacs: Pacs
    name: str = "Lucidray's demonstration PACS"

    @property
    def port(self) -> int:
        """DICOM port."""
        return self.pacs.port

    def study(self, study_instance_uid: str, modalities: tuple[str, ...]) -> list[Dataset]:
        """The objects of some modalities in a study, whole."""
        return [
            stored.read()
            for stored in self.pacs.instances()
            if stored.study_instance_uid == study_instance_uid and stored.modality in modalities
        ]


@dataclass
class Orthanc:
    """Orthanc through its REST API."""

    port: int
    http: httpx.Client
    name: str

    def study(self, study_instance_uid: str, modalities: tuple[str, ...]) -> list[Dataset]:
        """The objects of some modalities in a study, whole."""
        found: list[Dataset] = []
        for modality in modalities:
            query = {"StudyInstanceUID": study_instance_uid, "Modality": modality}
            series = self.http.post("/tools/find", json={"Level": "Series", "Query": query}).raise_for_status().json()
            for each in series:
                for instance in self.http.get(f"/series/{each}").raise_for_status().json()["Instances"]:
                    data = self.http.get(f"/instances/{instance}/file").raise_for_status().content
                    found.append(dcmread(io.BytesIO(data)))
        return found


@contextmanager
def run_pacs(folder: Path, *, small: bool = False) -> Iterator[DemoPacs]:
    """Run a PACS below `folder` while the context lasts; `small` takes our own even where there is Orthanc."""
    program = None if small else shutil.which("Orthanc")
    if program is None:
        with Pacs(folder, ae_title=AE_TITLE) as pacs:
            yield SmallPacs(pacs)  # type: ignore[misc]  # a read-only port is all that is asked
        return
    folder.mkdir(parents=True, exist_ok=True)
    dicom_port, http_port = free_port(), free_port()
    configuration = {
        "Name": "demo",
        "StorageDirectory": str(folder.absolute()),
        "IndexDirectory": str(folder.absolute()),
        "DicomAet": AE_TITLE,
        "DicomPort": dicom_port,
        "HttpPort": http_port,
        "DicomCheckCalledAet": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [],
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  the program found on the path, our own file
            [program, str(folder / "orthanc.json")],
            stdout=log,
            stderr=log,
            env={**os.environ, "TCP_NODELAY": "1"},
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{http_port}", trust_env=False, timeout=30) as http:
            version = _wait(http, process, folder / "orthanc.log")
            yield Orthanc(dicom_port, http, f"Orthanc {version}")
    finally:
        process.terminate()
        process.wait()


def _wait(http: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            return str(http.get("/system").raise_for_status().json()["Version"])
        except httpx.HTTPError:
            time.sleep(0.1)
    raise Permanent("Orthanc", "it did not start", f"see {log}, or take it off the path to use our own PACS")
