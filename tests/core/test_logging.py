"""Logs carry the case and never what a library quoted."""

import json
import logging as standard
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from lucidray.core import logging
from lucidray.core.errors import Permanent


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is one for the process: what these tests set up must not outlive the stream they captured."""
    handlers = standard.getLogger().handlers[:]
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    standard.getLogger().handlers[:] = handlers


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_foreign_exception_is_logged_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("test")
    try:
        raise ValueError("invalid value 'DOE^JANE'")
    except ValueError as error:
        logging.get("t").error("step-failed", case_id="c1", error=error)
    (line,) = lines(capsys)
    assert line["case_id"] == "c1"
    assert line["error"].startswith("ValueError in test_a_foreign_exception")
    assert "DOE" not in json.dumps(line)


def test_our_own_failures_are_logged_in_three_parts(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("test")
    logging.get("t").warning("parked", error=Permanent("series 3", "a slice is missing", "send it"))
    (line,) = lines(capsys)
    assert (line["thing"], line["cause"], line["remedy"]) == ("series 3", "a slice is missing", "send it")
    assert (line["level"], line["service"]) == ("warning", "test")


def test_levels_below_the_configured_one_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("test", "WARNING")
    logging.get("t").info("quiet")
    assert lines(capsys) == []


def test_values_that_pydicom_warns_of_stay_out_of_the_log() -> None:
    """A process of its own: pytest catches warnings in this one."""
    value = "ZQSECRET"
    script = f"""
from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement
from lucidray.core import logging
logging.configure("test")
convert_encodings([{value!r}])
try:
    DataElement("SeriesNumber", "IS", {value!r})
except Exception:
    pass
DataElement("Modality", "CS", {value.lower()!r})
logging.get("t").info("done")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "done" in done.stderr
    assert value not in (done.stdout + done.stderr).upper()
