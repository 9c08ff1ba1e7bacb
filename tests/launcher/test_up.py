"""`lucidray up`, `send`, `pacs` and `case`, as an administrator types them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from lucidray.launcher.ports import free_port

LUCIDRAY = str(Path(sys.executable).parent / "lucidray")
PATIENCE = 120.0


@contextmanager
def running(
    folder: Path, *command: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A `lucidray` command that goes on until it is told to stop; its output is in `folder`/output."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [LUCIDRAY, *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "COLUMNS": "200", **(environment or {})},
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_for(text: str, folder: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + PATIENCE
    while text not in (content := (folder / "output").read_text()):
        assert process.poll() is None, content
        assert time.monotonic() < end, content
        time.sleep(0.1)
    return content


def lucidray(*arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        [LUCIDRAY, *arguments], capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see the processes")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_up_starts_three_processes_and_stops_them_all(tmp_path: Path, how: signal.Signals) -> None:
    gateway, console = free_port(), free_port()
    ports = {"LUCIDRAY_GATEWAY__PORT": str(gateway), "LUCIDRAY_CONSOLE__PORT": str(console)}
    with running(tmp_path, "up", environment=ports) as up:
        said = wait_for("Lucidray is up", tmp_path, up)
        assert str(gateway) in said
        assert f"http://127.0.0.1:{console}" in said
        processes = children(up.pid)
        assert len(processes) == 3
        up.send_signal(how)
        assert up.wait(60) == 0
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert (tmp_path / "var" / "secrets" / "site.key").stat().st_mode & 0o077 == 0


def test_a_process_that_dies_is_started_again_and_the_others_stay(tmp_path: Path) -> None:
    ports = {"LUCIDRAY_GATEWAY__PORT": str(free_port()), "LUCIDRAY_CONSOLE__PORT": str(free_port())}
    with running(tmp_path, "up", environment=ports) as up:
        wait_for("Lucidray is up", tmp_path, up)
        before = children(up.pid)
        os.kill(before[0], signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        while len(set(children(up.pid)) | set(before)) < 4 or len(children(up.pid)) < 3:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert set(before[1:]) < set(children(up.pid))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see the processes")
def test_no_process_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    ports = {"LUCIDRAY_GATEWAY__PORT": str(free_port()), "LUCIDRAY_CONSOLE__PORT": str(free_port())}
    with running(tmp_path, "up", environment=ports) as up:
        wait_for("Lucidray is up", tmp_path, up)
        processes = children(up.pid)
        up.kill()
        up.wait()
    end = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{pid}").exists() for pid in processes):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_port_that_is_taken_is_named_with_the_remedy(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ports = {"LUCIDRAY_GATEWAY__PORT": port, "LUCIDRAY_CONSOLE__PORT": str(free_port())}
        with running(tmp_path, "up", environment=ports) as up:
            said = wait_for("cannot-run", tmp_path, up)
            line = next(line for line in said.splitlines() if "cannot-run" in line)
            assert port in line
            assert "gateway.port" in line


def test_settings_that_are_wrong_end_a_process_with_one_line_that_names_them(tmp_path: Path) -> None:
    wrong = {"LUCIDRAY_CORE__HTTP_PORT": "any", "LUCIDRAY_CORE__DATA": str(tmp_path)}
    with running(tmp_path, "run", "compute", environment=wrong) as process:
        assert process.wait(60) == 1
    said = [json.loads(line) for line in (tmp_path / "output").read_text().splitlines()]
    assert [line["event"] for line in said] == ["cannot-run", "stopped"]
    assert said[0]["thing"] == "setting core.http_port"
    assert "config schema" in said[0]["remedy"]


def test_a_second_up_on_the_same_folder_is_told_so(tmp_path: Path) -> None:
    ports = {"LUCIDRAY_GATEWAY__PORT": str(free_port()), "LUCIDRAY_CONSOLE__PORT": str(free_port())}
    with running(tmp_path, "up", environment=ports) as up:
        wait_for("Lucidray is up", tmp_path, up)
        said = lucidray("up", "--data", str(tmp_path / "var"), status=1)
        assert "another running process uses it" in said
        assert "--data" in said
        assert up.poll() is None


def test_a_phantom_is_sent_to_a_demonstration_pacs(tmp_path: Path) -> None:
    port = str(free_port())
    with running(tmp_path, "pacs", "objects", "--port", port) as pacs:
        wait_for("listens", tmp_path, pacs)
        said = lucidray("send", "phantom", "--to", f"127.0.0.1:{port}", "--called", "DEMOPACS")
        (sent,) = re.findall(r"(\d+) objects sent, 0 failed", said)
        assert len([path for path in (tmp_path / "objects").rglob("*") if path.is_file()]) >= int(sent) > 50
        pacs.terminate()
        assert pacs.wait(30) == 0


def test_nobody_at_the_other_end_is_an_error_in_three_parts(tmp_path: Path) -> None:
    said = lucidray("send", "phantom", "--to", f"127.0.0.1:{free_port()}", status=1)
    assert "cannot be reached" in said
    assert "check address" in said
    assert "HOST:PORT" in lucidray("send", "phantom", "--to", "here", status=1)
    assert "console" in lucidray("case", "list", "--url", f"http://127.0.0.1:{free_port()}", status=1)
