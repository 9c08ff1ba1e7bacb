"""`lucidray up`: start the processes, start them again when they fail, stop them all."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lucidray.core import logging
from lucidray.core.errors import Permanent
from lucidray.core.identity import write_site_key
from lucidray.launcher.ports import free_port
from lucidray.launcher.processes import PROCESSES
from lucidray.runtime.service import SUPERVISED

log = logging.get(__name__)

RESTART_FIRST_SECONDS = 0.5
RESTART_CAP_SECONDS = 30.0
STABLE_SECONDS = 60.0
STOP_SECONDS = 30.0
READY_SECONDS = 60.0


@dataclass
class Supervised:
    """One process."""

    name: str
    command: Sequence[str]  # arguments of the Python interpreter
    port: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    again_at: float = field(default=0.0)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def ready(self) -> bool:
        """What its /readyz says."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)  # noqa: PLR2004
        except (urllib.error.URLError, OSError):
            return False


class Supervisor:
    """The processes of one machine.

    Parameters
    ----------
    environment
        Added to this process's environment for the children.
    commands
        Arguments of the Python interpreter by name of the process; the three of `lucidray up` if not given.
    """

    def __init__(
        self, environment: Mapping[str, str] | None = None, commands: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._environment = dict(environment or {})
        commands = commands or {name: ("-m", "lucidray.launcher.main", "run", name) for name in PROCESSES}
        self.processes = {name: Supervised(name, command, free_port()) for name, command in commands.items()}

    def start(self) -> None:
        """Start all; does not wait until they are ready."""
        for each in self.processes.values():
            self._start(each)

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until all are ready, starting again what fails.

        Raises
        ------
        Permanent
            One is not ready in time.
        """
        end = time.monotonic() + seconds
        while not all(each.ready() for each in self.processes.values()):
            self.tend()
            if time.monotonic() > end:
                waiting = [each.name for each in self.processes.values() if not each.ready()]
                raise Permanent(
                    f"process {', '.join(waiting)}", f"not ready within {seconds:.0f} s", "see its log lines above"
                )
            time.sleep(0.1)

    def tend(self) -> None:
        """Start again, after a growing delay, what has ended."""
        now = time.monotonic()
        for each in self.processes.values():
            if each.alive:
                if each.failures and now - each.started > STABLE_SECONDS:
                    each.failures = 0
            elif each.again_at == 0:
                each.failures += 1
                code = each.process.returncode if each.process else None
                each.again_at = now + min(RESTART_CAP_SECONDS, RESTART_FIRST_SECONDS * 2 ** (each.failures - 1))
                log.warning("process-ended", process=each.name, exit_status=code, failures=each.failures)
            elif now >= each.again_at:
                self._start(each)

    def run(self, stop: threading.Event) -> None:
        """Tend until `stop` is set."""
        while not stop.wait(0.2):
            self.tend()

    def stop(self) -> None:
        """Ask all to stop; end what does not in time."""
        alive = [each.process for each in self.processes.values() if each.process is not None and each.alive]
        for process in alive:
            process.terminate()
        end = time.monotonic() + STOP_SECONDS
        for process in alive:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for each in self.processes.values():
            _let_go(each.process)

    def kill(self, name: str) -> None:
        """End one process at once, as a crash would; `tend` starts it again."""
        process = self.processes[name].process
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, each: Supervised) -> None:
        _let_go(each.process)
        each.process = subprocess.Popen(  # noqa: S603  our own interpreter and modules
            [sys.executable, *each.command],
            env={**os.environ, **self._environment, "LUCIDRAY_CORE__HTTP_PORT": str(each.port), SUPERVISED: "yes"},
            stdin=subprocess.PIPE,  # nothing is written: it ends when we do, and with it the process
            start_new_session=True,  # Ctrl-C reaches only the supervisor, which stops them in order
        )
        each.started = time.monotonic()
        each.again_at = 0


def _let_go(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None and process.stdin is not None:
        process.stdin.close()


def prepare(data: Path) -> None:
    """Make the data folder and its secrets, once; for our user alone.

    Raises
    ------
    Permanent
        Nothing can be written there.
    """
    secrets = data / "secrets"
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        secrets.mkdir(exist_ok=True)
        secrets.chmod(0o700)
        for name in ("site.key", "vault.key"):
            if not (secrets / name).exists():
                write_site_key(secrets / name)
    except OSError as error:
        raise Permanent(
            f"data folder {data}",
            f"nothing can be written there ({error.strerror})",
            "name another one with --data or core.data, or give this user the right to write there",
        ) from None
