"""Who may use the console."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from tests.console.scenes import Browser, Stage, Story

from lucidray.console.access import HEADERS, SESSION, Access, same_origin

TOKEN = "the-token-of-this-console"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Stage]:
    """A console with a token."""
    made = Stage(tmp_path, token=TOKEN)
    made.hear(*Story().events)
    yield made
    made.close()


@pytest.mark.parametrize("path", ["/api/v1/cases", "/api/v1/events", "/api/v1/openapi.json", "/api/v1/cases/c1"])
def test_api_without_token(locked: Stage, path: str) -> None:
    answer = locked.browser.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_pages_without_token_lead_to_the_login(locked: Stage) -> None:
    answer = locked.browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/static/console.css", "/login"])
def test_open_without_token(locked: Stage, path: str) -> None:
    answer = locked.browser.get(path)
    assert answer.status_code == 200
    assert f"c{1:024x}" not in answer.text


def test_bearer_token(locked: Stage) -> None:
    right = Browser(locked.app, {"Authorization": f"Bearer {TOKEN}"})
    assert right.get("/api/v1/cases").status_code == 200
    assert right.get("/").status_code == 200
    wrong = Browser(locked.app, {"Authorization": f"Bearer {TOKEN}x"})
    assert wrong.get("/api/v1/cases").status_code == 401
    assert Browser(locked.app, {"Authorization": "Bearer "}).get("/api/v1/cases").status_code == 401


def test_login_and_logout(locked: Stage) -> None:
    browser = locked.browser
    wrong = browser.submit("/login", {"token": "not-it"}, page="/login")
    assert wrong.status_code == 403
    assert "not the console" in wrong.text
    answer = browser.submit("/login", {"token": TOKEN}, page="/login")
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert "Log out" in browser.get("/").text
    browser.submit("/logout", {})
    assert browser.get("/").headers["location"] == "/login"


def test_sessions_end_and_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access(TOKEN)
    session = access.session()
    assert access.is_session(session)
    until, _, signature = session.partition(".")
    assert not access.is_session(f"{int(until) + 1}.{signature}")
    assert not access.is_session("")
    assert not Access("another-token-entirely").is_session(session)
    monkeypatch.setattr("lucidray.console.access.time.time", lambda: float(until) + 1)
    assert not access.is_session(session)


def test_a_broken_cookie_is_no_login(locked: Stage) -> None:
    for value in ("é", "9999999999.", '"', "9" * 5000):
        browser = Browser(locked.app)
        headers = {"Cookie": f"{SESSION}={value}".encode()}
        assert browser.get("/api/v1/cases", headers=headers).status_code == 401


def test_foreign_host_names_are_refused_on_loopback(stage: Stage) -> None:
    answer = stage.browser.get("/", headers={"Host": "rebound.example:8042"})
    assert answer.status_code == 421


def test_host_names() -> None:
    network = Access(TOKEN, ["console.example"], local=False)
    assert network.knows_host("console.example:8042")
    assert not network.knows_host("other.example")
    assert Access(TOKEN, local=False).knows_host("any.example")
    local = Access("")
    assert local.knows_host("localhost:8042")
    assert local.knows_host("[::1]:8042")
    assert not local.knows_host("")


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://h:1", "host": "h:1"}, False),
        ({"origin": "http://h:1", "host": "h:1"}, True),
        ({"origin": "http://h:2", "host": "h:1"}, False),
        ({"origin": "null", "host": "h:1"}, False),
        ({"host": "h:1"}, True),
    ],
)
def test_same_origin(headers: dict[str, str], same: bool) -> None:
    assert same_origin(Headers(headers)) is same


@pytest.mark.parametrize("path", ["/", "/api/v1/cases", "/nowhere", "/static/console.js", "/api/v1/cases/nothing"])
def test_every_answer_has_the_security_headers(stage: Stage, path: str) -> None:
    answer = stage.browser.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
