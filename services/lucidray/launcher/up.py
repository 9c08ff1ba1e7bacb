"""`lucidray up` in the foreground."""

import os
from pathlib import Path

from rich.console import Console

from lucidray.core import logging
from lucidray.core.folderlock import FolderLock
from lucidray.core.settings import CoreSettings
from lucidray.launcher.configuration import check
from lucidray.launcher.supervisor import Supervisor, prepare
from lucidray.runtime.service import stop_on_signal


def run_up(data: Path | None) -> None:
    """Run the three processes until SIGTERM or Ctrl-C.

    Parameters
    ----------
    data
        Goes before core.data of environment and file, where given.

    Raises
    ------
    Permanent
        A setting or a workflow is wrong, or the data folder cannot be used.
    """
    from lucidray.console.settings import ConsoleSettings
    from lucidray.gateway.settings import GatewaySettings

    if data is not None:
        os.environ["LUCIDRAY_CORE__DATA"] = str(data.absolute())
    check()
    core = CoreSettings.load()
    logging.configure("up", core.log_level, human=core.log_human)
    prepare(core.data)
    lock = FolderLock(core.data, "--data")
    lock.take()  # until this process ends
    supervisor = Supervisor()
    gateway, console = GatewaySettings.load(), ConsoleSettings.load()
    with stop_on_signal() as stop:
        supervisor.start()
        try:
            supervisor.wait_ready()
            Console().print(
                f"Lucidray is up. Send studies to [bold]{gateway.ae_title}[/] on port [bold]{gateway.port}[/]; "
                f"look at [bold]http://{console.host}:{console.port}[/]. Ctrl-C stops it."
            )
            supervisor.run(stop)
        finally:
            supervisor.stop()
