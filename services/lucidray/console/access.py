"""Who may use the console: token, login cookie, requests from its own pages only.

One ASGI middleware looks at every request, so that no page can forget to.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lucidray.console.settings import is_loopback

SESSION = "lucidray_session"
SESSION_SECONDS = 12 * 3600  # a working day
FORM = "lucidray_form"
# They carry no case data; probes and Prometheus ask without a token.
OPEN_PATHS = ("/healthz", "/readyz", "/metrics", "/login")
OPEN_FOLDERS = ("/static/",)
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Access:
    """The secret of this console and what derives from it. Without a secret everybody has access."""

    def __init__(self, token: str, allowed_hosts: Sequence[str] = (), *, local: bool = True) -> None:
        self._token = token.encode()
        self._allowed = tuple(allowed_hosts)
        self._local = local

    @property
    def needed(self) -> bool:
        """Whether a token is needed."""
        return bool(self._token)

    def is_token(self, given: str) -> bool:
        """Whether this is the token; takes as long for a wrong one."""
        return hmac.compare_digest(given.encode(), self._token)

    def session(self) -> str:
        """A login cookie that ends by itself."""
        return self._signed(str(int(time.time()) + SESSION_SECONDS))

    def is_session(self, cookie: str) -> bool:
        """Whether a cookie is one of ours and has not ended."""
        until = cookie.partition(".")[0]
        return (
            until.isdecimal()
            and hmac.compare_digest(cookie.encode(), self._signed(until).encode())
            and int(until) > time.time()
        )

    def _signed(self, until: str) -> str:
        return f"{until}.{hmac.new(self._token, b'session ' + until.encode(), hashlib.sha256).hexdigest()}"

    def knows_host(self, host: str) -> bool:
        """Whether browsers may call us so. A foreign name that points here is an attack (DNS rebinding)."""
        name = urlsplit(f"//{host}").hostname or ""
        if name in self._allowed:
            return True
        return is_loopback(name) if self._local else not self._allowed

    def admits(self, headers: Headers) -> bool:
        """Whether a request carries the token or a login."""
        if not self.needed:
            return True
        return self.bears_token(headers) or self.is_session(cookie_of(headers, SESSION))

    def bears_token(self, headers: Headers) -> bool:
        """Whether a request carries the token itself, which no foreign page can make a browser send."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return self.needed and scheme.lower() == "bearer" and self.is_token(given.strip())


def cookie_of(headers: Headers, name: str) -> str:
    """Value of a cookie, or an empty string."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[name].value if name in cookies else ""


def same_origin(headers: Headers) -> bool:
    """Whether a browser says that a request comes from our own page; programs say nothing, and may."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host", "")


def new_form_token() -> str:
    """Goes into a SameSite cookie and into every form: a foreign page knows neither."""
    return secrets.token_hex(16)


def is_form_token(headers: Headers, given: str) -> bool:
    """Whether a form carries the token of the browser's cookie."""
    kept = cookie_of(headers, FORM)
    return bool(kept) and hmac.compare_digest(kept.encode(), given.encode())


class Guard:
    """The middleware."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path, method = Headers(scope=scope), scope["path"], scope["method"]
        if not self._access.knows_host(headers.get("host", "")):
            return _refused(421, "host name", "the console is not known by it", "add it to console.allowed_hosts")
        if method not in SAFE_METHODS and not self._access.bears_token(headers) and not same_origin(headers):
            return _refused(403, "request", "it comes from a page of another site", "use the console's own pages")
        is_open = path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)
        if is_open or self._access.admits(headers):
            return None
        if path.startswith("/api/") or method not in SAFE_METHODS:
            response = _refused(401, "request", "it carries no valid token", "send `Authorization: Bearer <token>`")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        return RedirectResponse("/login", 303)


def _refused(status: int, thing: str, cause: str, remedy: str) -> JSONResponse:
    return JSONResponse({"thing": thing, "cause": cause, "remedy": remedy}, status)
