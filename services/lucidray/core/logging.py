"""Structured logs: one JSON object a line on standard error, with the case id.

Log named values, never datasets or exception texts of libraries that saw one: a DICOM
library's message may quote the value it stumbled over.
"""

import logging
import sys
import warnings
from typing import Any

import structlog


def configure(service: str, level: str = "INFO", *, human: bool = False) -> None:
    """Set up logging for this process.

    Parameters
    ----------
    service
        Printed on every line.
    level
        Name of the least severe level to print.
    human
        Coloured lines for a terminal instead of JSON.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _failure_without_values,
            structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    # Libraries may log what they read from a scan, and quote it in warnings, which go to standard error:
    # only their errors' existence is of use here.
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    logging.getLogger("pydicom").handlers[:] = [logging.NullHandler()]
    warnings.simplefilter("ignore")


def get(name: str) -> Any:
    """Logger of a module; use as ``log.info("event-name", case_id=..., step=...)``."""
    return structlog.get_logger(module=name)


def _failure_without_values(_logger: Any, _method: str, event: Any) -> Any:
    """Reduce `error=<exception>` to its class, and the text only where it is ours (so without PHI)."""
    from lucidray.core.errors import LucidrayError

    error = event.get("error")
    if isinstance(error, LucidrayError):
        event.update(error=type(error).__name__, thing=error.thing, cause=error.cause, remedy=error.remedy)
    elif isinstance(error, BaseException):
        event["error"] = describe(error)
    return event


def describe(error: BaseException) -> str:
    """Class and place of a foreign exception, without its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_name} ({code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno})"
