"""`make demo`: one study through the whole house, checked at the PACS."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from rich.console import Console
from rich.live import Live
from rich.table import Table

from lucidray.console import client
from lucidray.contracts.catalogue import REGIONS, VOLUME
from lucidray.core.errors import Permanent
from lucidray.launcher.demo_folder import take_empty
from lucidray.launcher.demo_pacs import AE_TITLE, DemoPacs, run_pacs
from lucidray.launcher.ports import free_port
from lucidray.launcher.results import read_case
from lucidray.launcher.supervisor import Supervisor, prepare
from lucidray.launcher.verify import Findings, verify
from lucidray.phantom import Truth, make_study
from lucidray.phantom.send import send
from lucidray.runtime.service import stop_on_signal

QUIET_SECONDS = 1.5
CASE_SECONDS = 150.0
ENDED = ("completed", "parked", "held", "quarantined", "unmatched", "cancelled")
SHOWN = ("Maximum intensity", "Mean intensity", "Volume from Voxel Summation", "Sphericity")


def run_demo(study: Path | None, data: Path, out: Console) -> int:
    """Run the demonstration; the process's exit status."""
    datasets, truth = load(study, out)
    take_empty(data)  # ours until this process ends
    with _house(data, out) as (pacs, supervisor, gateway, url):
        for receiver, port, called in ((pacs.name, pacs.port, AE_TITLE), ("Lucidray", gateway, "LUCIDRAY")):
            started = time.monotonic()
            report = send(datasets, "127.0.0.1", port, called_ae_title=called)
            if report.failed or not report.sent:
                raise Permanent(receiver, f"{len(report.failed)} objects failed", str(report.failed[:1]))
            out.print(f"{report.sent} objects sent to {receiver} in {time.monotonic() - started:.1f} s")
        case = follow(url, supervisor, out)
        out.print(client.format_case(case))
        if case["state"] != "completed":
            return 1
        findings = verify(pacs.study(str(datasets[0].StudyInstanceUID), ("SEG", "SR")), datasets, truth)
        picture = data / "overlay.png"
        draw(case, data, picture)
        show(findings, truth, picture, url, out)
        if sys.stdout.isatty() and not os.environ.get("CI"):
            out.print("Look around in the console; Ctrl-C ends the demonstration.")
            with stop_on_signal() as stop:
                supervisor.run(stop)
    return 1 if findings.problems else 0


def load(study: Path | None, out: Console) -> tuple[Sequence[Dataset], Truth | None]:
    """The study to send: a folder's CT, PET and RTSTRUCT, or the phantom."""
    if study is None or not str(study):
        out.print("Making a phantom patient ...")
        phantom = make_study(7, size="demo")
        return phantom.datasets, phantom.truth
    if not study.is_dir():
        raise Permanent(f"folder {study}", "there is no such folder", "name a folder with a PET/CT study")
    datasets: list[Dataset] = []
    for path in sorted(path for path in study.rglob("*") if path.is_file()):
        try:
            dataset = dcmread(path)
        except InvalidDicomError:
            continue
        if dataset.get("Modality") in ("CT", "PT", "RTSTRUCT"):
            datasets.append(dataset)
    if not datasets:
        raise Permanent(f"folder {study}", "it holds no CT, PET or RTSTRUCT", "name a folder with a PET/CT study")
    return datasets, None


@contextmanager
def _house(data: Path, out: Console) -> Iterator[tuple[DemoPacs, Supervisor, int, str]]:
    prepare(data)
    gateway, console = free_port(), free_port()
    with run_pacs(data / "pacs") as pacs:
        destination = {"name": "pacs", "host": "127.0.0.1", "port": pacs.port, "called_ae_title": AE_TITLE}
        supervisor = Supervisor(
            {
                "LUCIDRAY_CORE__DATA": str(data.absolute()),
                "LUCIDRAY_CORE__LOG_LEVEL": os.environ.get("LUCIDRAY_CORE__LOG_LEVEL", "WARNING"),
                "LUCIDRAY_GATEWAY__PORT": str(gateway),
                "LUCIDRAY_CONSOLE__PORT": str(console),
                "LUCIDRAY_DISPATCH__QUIET_SECONDS": str(QUIET_SECONDS),
                "LUCIDRAY_DELIVER__DESTINATIONS": str([destination]),
            }
        )
        started = time.monotonic()
        supervisor.start()
        try:
            supervisor.wait_ready()
            out.print(f"Lucidray is up after {time.monotonic() - started:.1f} s; the PACS is {pacs.name}")
            yield pacs, supervisor, gateway, f"http://127.0.0.1:{console}"
        finally:
            supervisor.stop()


def follow(url: str, supervisor: Supervisor, out: Console) -> dict[str, Any]:
    """Show the case's progress until it ends; the case as the console tells it."""
    end = time.monotonic() + CASE_SECONDS
    with Live(console=out, refresh_per_second=8, transient=True) as live:
        while time.monotonic() < end:
            supervisor.tend()
            cases = client.list_cases(url)
            live.update(client.format_cases(cases))
            ended = [case for case in cases if case["state"] in ENDED]
            if ended:
                return client.show_case(url, ended[0]["case_id"])
            time.sleep(0.2)
    raise Permanent("the case", f"it has not ended within {CASE_SECONDS:.0f} s", "see `lucidray case list` and the log")


def draw(case: dict[str, Any], data: Path, picture: Path) -> None:
    """Leave a picture of the result, drawn from the artifacts of the case."""
    from lucidray.console.overlay import render_case_overlay

    inputs = read_case(case, data)
    roles = inputs.roles(VOLUME)
    pet = inputs.read(VOLUME, "PET") if "PET" in roles else None
    picture.write_bytes(render_case_overlay(inputs.read(VOLUME, "CT"), pet, inputs.read(REGIONS)))


def show(findings: Findings, truth: Truth | None, picture: Path, url: str, out: Console) -> None:
    """A short table of what came back."""
    table = Table("At the PACS", "", title="What came back", title_justify="left")
    for number, volume in findings.segments.items():
        known = f" (true: {truth.volume_ml:.1f} ml)" if truth else ""
        table.add_row(f"SEG: segment {number}", f"{volume:.1f} ml{known}")
    if findings.dice is not None:
        table.add_row("SEG: Dice against the known truth", f"{findings.dice:.3f}")
    table.add_row("SR: measurements", str(findings.measurement_count))
    for name, measured in findings.measurements.items():
        if name in SHOWN:
            unit = "" if measured.unit == "no units" else measured.unit
            table.add_row(f"SR: {name}", f"{measured.value:.4g} {unit}".rstrip())
    if findings.probability is not None:
        interval = " (95 % interval {:.2f} to {:.2f})".format(*findings.interval) if findings.interval else ""
        table.add_row("SR: probability", f"{findings.probability:.2f}{interval}")
    table.add_row("Picture", str(picture))
    table.add_row("Console", url)
    out.print(table)
    _verdict(findings.problems, out)


def _verdict(problems: Sequence[str], out: Console) -> None:
    if problems:
        for problem in problems:
            out.print(f"[red]Wrong: {problem}")
    else:
        out.print("[green]Exactly one SEG and one SR, in the patient's own study, every reference resolving.")
