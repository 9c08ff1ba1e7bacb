"""The templates: autoescaped, without inline scripts and styles."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from lucidray.console import access
from lucidray.console.findings import readable
from lucidray.console.forms import set_cookie
from lucidray.console.view import State, StepView

FOLDER = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
THEME = "lucidray_theme"
THEMES = ("auto", "light", "dark")
_ANNOTATION = re.compile(r"\{[^}]*\}")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template as a response, with a token for its forms."""
    token = access.cookie_of(request.headers, access.FORM)
    theme = access.cookie_of(request.headers, THEME)
    context = request.app.state.context
    query = f"?{request.url.query}" if request.url.query else ""
    html = _environment.get_template(template).render(
        token_of_form=token or (new := access.new_form_token()),
        theme=theme if theme in THEMES else "auto",
        # What was typed into a wrong address is not repeated.
        here=request.url.path + query if status == HTTPStatus.OK else "/",
        logged_in=context.access.needed and template != "login.html",
        static_version=_static_version,
        **values,
    )
    response = HTMLResponse(html, status)
    if not token:
        set_cookie(request, response, access.FORM, new)
    return response


def ago(time: datetime, now: datetime | None = None) -> str:
    """How long ago, in words."""
    seconds = ((now or datetime.now(UTC)) - time).total_seconds()
    if seconds < 5:  # noqa: PLR2004
        return "just now"
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return f"{int(seconds)} s ago"


def utc(time: datetime) -> str:
    """Date and time of day."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float) -> str:
    """A length of time, short."""
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.2f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"


def step_title(step: StepView) -> str:
    """One line about a step."""
    done = f"{step.state} in {duration(step.seconds)}" if step.state == "done" else step.state
    return f"{step.step}: {done}"


def percent(value: float) -> str:
    """A probability."""
    return f"{100 * value:.0f} %"


def unit(ucum: str) -> str:
    """A UCUM unit as people write it: without annotations in braces."""
    return {"1": "", "[hnsf'U]": "HU"}.get(ucum, _ANNOTATION.sub("", ucum))


def code(text: str) -> Markup:
    """Escaped text in which what stands between backticks is shown as code."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:  # one backtick has no partner
        return escape(text)
    marked = [Markup("<code>%s</code>") % part if place % 2 else part for place, part in enumerate(parts)]
    return Markup("").join(marked)


def _make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: Mapping[str, Any] = {
        "ago": ago,
        "utc": utc,
        "duration": duration,
        "step_title": step_title,
        "readable": readable,
        "percent": percent,
        "code": code,
        "unit": unit,
        "words": lambda text: str(text).replace("_", " "),
    }
    environment.filters.update(filters)
    environment.globals["STOPPED"] = (State.PARKED, State.QUARANTINED, State.REFUSED)
    return environment


_environment = _make_environment()
# Browsers keep static files; an address of their own per state of the files keeps them from being stale.
_static_version = format(max(int(path.stat().st_mtime) for path in STATIC.iterdir()), "x")
