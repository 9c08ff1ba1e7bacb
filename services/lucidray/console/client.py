"""The console's API as the command line uses it, and its answers as tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lucidray.console.settings import ConsoleSettings
from lucidray.core.errors import LucidrayError, Permanent, Refused, Transient

TIMEOUT_SECONDS = 10.0
STYLES = {
    "completed": "green",
    "running": "blue",
    "collecting": "blue",
    "retrying": "yellow",
    "held": "yellow",
    "parked": "red",
    "quarantined": "red",
    "refused": "red",
    "done": "green",
    "failed": "red",
}
_KEY_CHARACTERS = 13


def list_cases(url: str, *, state: str = "", prefix: str = "") -> list[dict[str, Any]]:
    """Cases, and studies and objects that never became one, those that changed last first.

    Raises
    ------
    LucidrayError
        The console cannot be reached or refuses.
    """
    parameters = {name: value for name, value in (("state", state), ("q", prefix)) if value}
    cases: list[dict[str, Any]] = _ask("GET", url, "/api/v1/cases", params=parameters)["cases"]
    return cases


def show_case(url: str, case_id: str) -> dict[str, Any]:
    """One case; `CaseView` as JSON."""
    return _ask("GET", url, f"/api/v1/cases/{_path(case_id)}")


def command(url: str, case_id: str, kind: str, *, from_step: str = "", recompute: bool = False) -> str:
    """Ask for `kind` ("retry", "cancel", "release"); the command's id once it is on its way to dispatch."""
    wanted = {"command": kind, "from_step": from_step, "recompute": recompute, "actor": "command-line"}
    answer = _ask("POST", url, f"/api/v1/cases/{_path(case_id)}/commands", json=wanted)
    return str(answer["command_id"])


def _path(case_id: str) -> str:
    if not case_id or not all(character.isalnum() or character in "_.-" for character in case_id):
        raise Permanent("case id", "it has characters that no id has", "see `lucidray case list`")
    return case_id


def _ask(method: str, url: str, path: str, **request: Any) -> dict[str, Any]:
    settings = ConsoleSettings.load()
    headers = {"Authorization": f"Bearer {settings.token()}"} if settings.token_file else {}
    try:
        # The console is inside the house: a proxy of the environment is not asked.
        with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            response = client.request(method, path, **request)
    except httpx.HTTPError as error:
        raise Transient(
            f"console at {url}",
            f"cannot be reached ({type(error).__name__})",
            "start it with `lucidray up`, or name its address with --url",
        ) from None
    if response.is_success:
        answer: dict[str, Any] = response.json()
        return answer
    raise _failure(url, response)


def _failure(url: str, response: httpx.Response) -> LucidrayError:
    kinds: dict[int, type[LucidrayError]] = {401: Refused, 403: Refused, 503: Transient}
    try:
        told = response.json()
        values = told["thing"], told["cause"], told["remedy"]
    except (ValueError, KeyError, TypeError):
        values = f"console at {url}", f"it answered {response.status_code}", "check that the address is a console's"
    if response.status_code == httpx.codes.UNAUTHORIZED:
        values = f"console at {url}", "it wants a token", "name the file that holds it in LUCIDRAY_CONSOLE__TOKEN_FILE"
    return kinds.get(response.status_code, Permanent)(*values)


def format_cases(cases: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Cases as a table; cause and remedy below it, for each that has a problem."""
    if not cases:
        return Text("No cases.", style="dim")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("case", "state", "workflow", "progress", "now", "changed"):
        table.add_column(name, no_wrap=name in ("case", "state", "changed"))
    for case in cases:
        steps = case["steps"]
        done = sum(step["state"] in ("done", "skipped") for step in steps)
        table.add_row(
            Text(case["case_id"]),
            _state(case["state"]),
            Text(case["workflow"] or "-"),
            Text(f"{done}/{len(steps)}" if steps else "-"),
            Text(case["next_step"] or "-"),
            Text(_time(case["updated_at"])),
        )
    problems = [problem for case in cases for problem in _problem(case, case["case_id"][:_KEY_CHARACTERS])]
    return Group(table, *([Text(""), *problems] if problems else []))


def format_case(case: Mapping[str, Any]) -> RenderableType:
    """One case: state, cause and remedy, steps, quality flags."""
    title = Text.assemble((case["case_id"], "bold"), "  ", _state(case["state"]), f"  {case['workflow']}")
    parts: list[RenderableType] = [title, *_problem(case, case["thing"])]
    if case["steps"]:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for name in ("step", "state", "seconds", "result"):
            table.add_column(name, justify="right" if name == "seconds" else "left")
        for step in case["steps"]:
            seconds = f"{step['seconds']:.2f}" if step["state"] == "done" else ""
            summary = ", ".join(f"{name} {value}" for name, value in step["summary"].items())
            table.add_row(Text(step["step"]), _state(step["state"]), Text(seconds), Text(summary))
        parts += [Text(""), table]
    if case["quality"]:
        parts.append(Text(""))
        parts += [
            Text(f"{'!' if flag['warning'] else '-'} {flag['message']} ({flag['step']}, {flag['code']})")
            for flag in case["quality"]
        ]
    return Group(*parts)


def _problem(case: Mapping[str, Any], subject: str) -> list[Text]:
    if not case["cause"]:
        return []
    return [Text(f"{subject}: {case['cause']}", style="bold"), Text(f"  {case['remedy']}")]


def _state(state: str) -> Text:
    return Text(state, style=STYLES.get(state, "dim"))


def _time(stamp: str) -> str:
    return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
