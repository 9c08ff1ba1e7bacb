"""Forms of the pages: read, and proved to be ours. Cookies."""

from urllib.parse import parse_qsl

from fastapi import Request
from starlette.responses import Response

from lucidray.console import access
from lucidray.core.errors import Permanent, Refused

MAX_FORM_BYTES = 4096
_FIELDS = 10


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form that one of our pages sent.

    Raises
    ------
    Refused
        It does not carry the token of the browser's cookie.
    Permanent
        It is no form, or too long for one of ours.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise Permanent("form", f"it is longer than {MAX_FORM_BYTES} bytes", "shorten it")
    try:
        fields = dict(parse_qsl(body.decode(), max_num_fields=_FIELDS))
    except ValueError:  # a decoding error is one
        raise Permanent("form", "it does not read", "send it from the console's page") from None
    if not access.is_form_token(request.headers, fields.pop("token_of_form", "")):
        raise Refused("form", "it was not sent from a page of this console", "load the page again and repeat")
    return fields


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """Set a cookie that only our pages send back and no script reads."""
    response.set_cookie(
        name, value, max_age=seconds, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )


def local_address(address: str) -> str:
    """`address` if it is a path of this console, else the worklist."""
    foreign = not address.startswith("/") or address.startswith(("//", "/\\"))
    return "/" if foreign else address
