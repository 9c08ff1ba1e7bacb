"""The whole house on this machine, for journeys and fault tests: its processes and a PACS."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom import Dataset

from lucidray.console import client
from lucidray.launcher.ports import free_port
from lucidray.launcher.supervisor import Supervisor, prepare
from lucidray.phantom.pacs import Pacs
from lucidray.phantom.send import SendReport, send

BIN = Path(sys.executable).parent
CASE_SECONDS = 120.0
ENDED = ("completed", "parked", "held", "quarantined", "unmatched", "cancelled", "superseded", "refused")


class House:
    """A running Lucidray with a PACS at its door."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        commands: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        prepare(self.data)
        self.gateway, self.console = free_port(), free_port()
        self.pacs = Pacs(folder / "pacs")
        self.url = f"http://127.0.0.1:{self.console}"
        destination = {"name": "pacs", "host": "127.0.0.1", "port": self.pacs.port, "called_ae_title": "DEMOPACS"}
        self.environment = {
            "LUCIDRAY_CORE__DATA": str(self.data),
            "LUCIDRAY_GATEWAY__PORT": str(self.gateway),
            "LUCIDRAY_CONSOLE__PORT": str(self.console),
            "LUCIDRAY_DISPATCH__QUIET_SECONDS": "3",
            "LUCIDRAY_DELIVER__DESTINATIONS": str([destination]),
            **(environment or {}),
        }
        self.log = folder / "log"
        self.supervisor = Supervisor(self.environment, commands)

    def start(self) -> None:
        """Start the processes; their log goes to a file, which tests search for what must not be there."""
        with self.log.open("ab") as log:
            saved = os.dup(2)
            try:
                os.dup2(log.fileno(), 2)
                self.supervisor.start()
            finally:
                os.dup2(saved, 2)
                os.close(saved)
        self.supervisor.wait_ready()

    def stop(self) -> None:
        """Stop all."""
        self.supervisor.stop()
        self.pacs.close()

    def send(self, content: Any, **options: Any) -> SendReport:
        """Send objects to the gateway."""
        return send(content, "127.0.0.1", self.gateway, **options)

    def cases(self) -> list[dict[str, Any]]:
        """What the console lists."""
        return client.list_cases(self.url)

    def wait(self, what: Callable[[list[dict[str, Any]]], Any], seconds: float = CASE_SECONDS) -> Any:
        """Wait until `what` of the listed cases is true, tending the processes; its value."""
        end = time.monotonic() + seconds
        cases: list[dict[str, Any]] = []
        while time.monotonic() < end:
            self.supervisor.tend()
            try:
                cases = self.cases()
            except Exception:  # the console may be on its way up again
                cases = []
            value = what(cases)
            if value:
                return value
            time.sleep(0.2)
        raise AssertionError(f"it did not come to that; there is {[(c['case_id'], c['state']) for c in cases]}")

    def wait_new(self, known: Sequence[str], state: str = "") -> dict[str, Any]:
        """The next entry that is not `known` to reach an end (or `state`)."""
        wanted = (state,) if state else ENDED

        def ended(cases: list[dict[str, Any]]) -> dict[str, Any] | None:
            found = [case for case in cases if case["case_id"] not in known and case["state"] in wanted]
            return found[0] if found else None

        entry: dict[str, Any] = self.wait(ended)
        shown: dict[str, Any] = client.show_case(self.url, entry["case_id"])
        return shown

    def known(self) -> list[str]:
        """Ids of the entries there are."""
        return [case["case_id"] for case in self.cases()]

    def results(self, study_instance_uid: str) -> list[Dataset]:
        """SEG and SR at the PACS."""
        return [
            stored.read()
            for stored in self.pacs.instances()
            if stored.study_instance_uid == study_instance_uid and stored.modality in ("SEG", "SR")
        ]


@contextmanager
def running_house(
    folder: Path, environment: Mapping[str, str] | None = None, commands: Mapping[str, Sequence[str]] | None = None
) -> Iterator[House]:
    """A house while the context lasts; the three processes of `lucidray up` unless `commands` names others."""
    house = House(folder, environment, commands)
    try:
        house.start()
        yield house
    finally:
        house.stop()


def dciodvfy_errors(path: Path) -> list[str]:
    """Lines in which dciodvfy complains of an error."""
    done = subprocess.run([BIN / "dciodvfy", path], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if re.match(r"\s*Error", line)]
