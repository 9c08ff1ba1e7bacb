"""The web application."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from lucidray import core
from lucidray.console import api, pages
from lucidray.console.access import HEADERS, Guard
from lucidray.console.commands import Conflict
from lucidray.console.context import Context
from lucidray.console.templating import STATIC, page
from lucidray.console.worklist import Unknown
from lucidray.core import logging
from lucidray.core.errors import LucidrayError, Permanent, Refused, Transient

log = logging.get(__name__)


def create_app(context: Context) -> FastAPI:
    """The console: pages at /, API at /api/v1, health and metrics."""
    app = FastAPI(
        title="Lucidray console",
        version=core.VERSION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
    )
    app.state.context = context
    app.include_router(api.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    _add_health(app, context)
    app.add_exception_handler(Exception, _failed)
    for expected in (LucidrayError, RequestValidationError, HTTPException, SQLAlchemyError):
        app.add_exception_handler(expected, _failed)
    app.add_middleware(Guard, access=context.access)
    return app


def _add_health(app: FastAPI, context: Context) -> None:
    @app.get("/healthz", include_in_schema=False)
    def alive() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    def ready() -> PlainTextResponse:
        context.worklist.revision()  # the database answers
        good = context.reading()
        return PlainTextResponse("ok\n" if good else "not ready\n", 200 if good else 503)

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _failed(request: Request, error: Exception) -> Response:
    """Every failure as thing, cause and remedy: JSON for the API, a page for people."""
    status, told = _told(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request-failed", path=request.scope["route"].path if "route" in request.scope else "", error=error)
    values = {"thing": told.thing, "cause": told.cause, "remedy": told.remedy}
    response: Response = JSONResponse(values, status)
    if not request.url.path.startswith("/api/"):
        response = page(request, "error.html", status=status, title=HTTPStatus(status).phrase, **values)
    response.headers.update(HEADERS)  # the page of an unexpected failure does not pass the guard
    return response


def _told(error: Exception) -> tuple[int, LucidrayError]:
    if isinstance(error, LucidrayError):
        classes = {Unknown: 404, Conflict: 409, Refused: 403, Transient: 503, Permanent: 422}
        return next((status for kind, status in classes.items() if isinstance(error, kind)), 500), error
    if isinstance(error, RequestValidationError):
        fields = ", ".join(str(each["loc"][-1]) for each in error.errors())  # never what was typed
        return 422, Permanent("request", f"these values are not allowed: {fields}", "see /api/v1/openapi.json")
    if isinstance(error, HTTPException):
        return error.status_code, Permanent("page", error.detail.lower(), "look for it from the worklist")
    if isinstance(error, SQLAlchemyError):
        return 503, Transient("the console's database", "it does not answer", "try again; see the console's log")
    return 500, Permanent("this page", "it failed unexpectedly", "see the console's log")
