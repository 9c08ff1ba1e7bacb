"""`lucidray send`."""

from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from lucidray.core.errors import Permanent
from lucidray.phantom import make_study
from lucidray.phantom.send import send


def address(text: str) -> tuple[str, int]:
    """HOST:PORT as a pair.

    Raises
    ------
    Permanent
        It is not one.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise Permanent(f"destination '{text}'", "it is not HOST:PORT", "write for example 127.0.0.1:11112")
    return host, int(port)


def send_study(what: str, to: str, called: str, seed: int, out: Console) -> bool:
    """Send a folder or a phantom; whether everything that is DICOM was accepted."""
    host, port = address(to)
    content = make_study(seed, size="demo").datasets if what == "phantom" else Path(what)
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task("Sending", total=None)
        report = send(
            content,
            host,
            port,
            called_ae_title=called,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    out.print(f"{report.sent} objects sent, {len(report.failed)} failed, {len(report.skipped)} files skipped")
    for name, reason in (*report.failed, *report.skipped):
        out.print(f"  {name}: {reason}", highlight=False)
    return bool(report.sent) and not report.failed
