"""The running service over a socket: liveness, client, start and stop."""

import io
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from rich.console import Console as Terminal
from rich.console import RenderableType
from tests.console.scenes import PARKED, Story

from lucidray.bus.sqlite import SqliteBus
from lucidray.console import client
from lucidray.console.app import Console
from lucidray.core import topics
from lucidray.core.case import quality_flag
from lucidray.core.errors import LucidrayError, Permanent, Refused, Transient
from lucidray.core.identity import write_site_key
from lucidray.runtime.service import all_topics
from lucidray.runtime.stop import Stop
from lucidray.v1.events_pb2 import CaseCommand, LedgerEvent

TOKEN = "the-token-of-this-console"
GAP = Permanent("series of role 'CT'", "2 slices are missing", "re-send the series")


def print_to_text(*parts: RenderableType) -> str:
    """What a terminal of 80 columns would show."""
    buffer = io.StringIO()
    Terminal(width=80, file=buffer).print(*parts)
    return buffer.getvalue()


class Running:
    """A console on a port of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.bus = stack.enter_context(SqliteBus(folder / "bus.db"))
        self.bus.ensure_topics(all_topics([]))
        self.stop = Stop()
        self.console = Console(self.bus, self.stop)
        stack.callback(self.console.close)
        stack.callback(self.stop.set)
        self.url = f"http://127.0.0.1:{self.console.port}"
        self.console.start()
        self.http = stack.enter_context(httpx.Client(base_url=self.url, trust_env=False, timeout=20))
        while not self.console.ready:
            self.stop.wait(0.02)

    def publish(self, *events: LedgerEvent) -> None:
        """Put lines on the topic."""
        with self.bus.producer() as producer:
            for event in events:
                producer.send(topics.LEDGER, event.SerializeToString(), key=event.case_id.encode())

    def wait_for(self, case_id: str) -> None:
        """Until the console knows a case."""
        while self.http.get(f"/api/v1/cases/{case_id}").status_code != httpx.codes.OK:
            self.stop.wait(0.02)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The console's settings: this folder, any port."""
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    monkeypatch.setenv("LUCIDRAY_CONSOLE__PORT", "0")
    return tmp_path


@pytest.fixture
def running(settings: Path) -> Iterator[Running]:
    """A running console."""
    with ExitStack() as stack:
        yield Running(settings, stack)


def test_an_event_becomes_an_update_in_open_pages(running: Running) -> None:
    story = Story()
    with running.http.stream("GET", "/api/v1/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: ready"
        running.publish(*story.events)
        assert next(line for line in lines if line.startswith("event:")) == "event: case"
        assert story.case.case_id in next(lines)
    assert running.http.get("/readyz").status_code == 200


def test_updates_that_were_missed_come_first(running: Running) -> None:
    one = Story(1)
    running.publish(*one.events)
    running.wait_for(one.case.case_id)
    with running.http.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "0"}) as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith('data: {"case'))[7:].count(one.case.case_id) == 1


def test_an_open_stream_does_not_hold_up_the_end(settings: Path) -> None:
    with ExitStack() as stack:
        running = Running(settings, stack)
        response = stack.enter_context(running.http.stream("GET", "/api/v1/events"))
        lines = response.iter_lines()
        next(lines)
        running.stop.set()
        assert not [line for line in lines if line.startswith("event: case")]  # the stream ends


def test_client_lists_shows_and_commands(running: Running) -> None:
    story = Story().run("deidentify")
    flag = quality_flag("harmonize", "assumed-weight", "weight is assumed")
    story.fail(PARKED, GAP).quality.append(flag)
    running.publish(*story.events)
    case_id = story.case.case_id
    running.wait_for(case_id)
    assert [case["case_id"] for case in client.list_cases(running.url, state="parked")] == [case_id]
    assert client.list_cases(running.url, state="completed") == []
    assert client.list_cases(running.url, prefix=case_id[:20])
    shown = client.show_case(running.url, case_id)
    printed = print_to_text(client.format_cases([shown]), client.format_case(shown))
    for expected in (case_id, "parked", GAP.thing, GAP.cause, GAP.remedy, "deidentify", "weight is assumed"):
        assert expected in printed
    command_id = client.command(running.url, case_id, "retry", from_step="harmonize")
    with running.bus.consumer("test", [topics.COMMANDS]) as consumer:
        (record,) = consumer.poll(5.0)
    command = CaseCommand.FromString(record.value)
    assert (command.command_id, command.from_step, command.actor) == (command_id, "harmonize", "command-line")


def test_client_tells_failures_as_the_console_does(running: Running) -> None:
    with pytest.raises(Permanent) as caught:
        client.show_case(running.url, "c0")
    assert caught.value.remedy == "look for it in the worklist"
    with pytest.raises(Permanent, match="characters that no id has"):
        client.show_case(running.url, "../metrics")


def test_client_without_a_console() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Transient) as caught:
            client.list_cases(url)
    assert "lucidray up" in caught.value.remedy


def test_token_of_the_settings_opens_the_api(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = settings / "token"
    path.write_text(TOKEN)
    monkeypatch.setenv("LUCIDRAY_CONSOLE__TOKEN_FILE", str(path))
    with ExitStack() as stack:
        running = Running(settings, stack)
        assert client.list_cases(running.url) == []
        assert running.http.get("/api/v1/cases").status_code == 401
        monkeypatch.delenv("LUCIDRAY_CONSOLE__TOKEN_FILE")
        with pytest.raises(Refused) as caught:
            client.list_cases(running.url)
        assert "LUCIDRAY_CONSOLE__TOKEN_FILE" in caught.value.remedy


def test_markup_in_what_is_printed_is_text() -> None:
    case = {
        "case_id": "c1",
        "state": "parked",
        "workflow": "[bold]w[/bold]",
        "steps": [],
        "next_step": "",
        "updated_at": "2026-01-01T00:00:00Z",
        "thing": "[red]t",
        "cause": "[/]",
        "remedy": "[link=x]",
        "quality": [],
    }
    printed = print_to_text(client.format_cases([case]), client.format_case(case))
    assert "[bold]w[/bold]" in printed
    assert "[red]t" in printed


def test_no_cases_is_said() -> None:
    assert "No cases" in print_to_text(client.format_cases([]))


def test_what_was_known_is_known_after_a_restart(settings: Path) -> None:
    story = Story()
    with ExitStack() as stack:
        running = Running(settings, stack)
        running.publish(*story.events)
        running.wait_for(story.case.case_id)
    with ExitStack() as stack:
        again = Running(settings, stack)
        assert again.http.get(f"/api/v1/cases/{story.case.case_id}").json()["state"] == "running"


def test_patients_can_be_looked_up_where_there_is_a_site_key(settings: Path) -> None:
    for expected in (False, True):
        with ExitStack() as stack:
            assert ("Patient ID" in Running(settings, stack).http.get("/").text) is expected
        (settings / "secrets").mkdir(exist_ok=True)
        if not expected:
            write_site_key(settings / "secrets" / "site.key")


def test_a_taken_port_is_named(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other, SqliteBus(settings / "bus.db") as bus:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("LUCIDRAY_CONSOLE__PORT", str(other.getsockname()[1]))
        with pytest.raises(LucidrayError) as caught:
            Console(bus, Stop())
    assert "console.port" in caught.value.remedy


def test_it_does_not_start_open_to_the_network(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCIDRAY_CONSOLE__HOST", "0.0.0.0")
    with SqliteBus(settings / "bus.db") as bus, pytest.raises(Permanent, match="open to the network"):
        Console(bus, Stop())
