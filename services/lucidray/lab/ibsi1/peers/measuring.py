"""Which packages are here, and what they measure."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lucidray.lab.ibsi1.peers import PEERS


def installed() -> list[str]:
    """Of the peers, those that this Python has."""
    return [package for package in PEERS if label(package)]


def label(package: str) -> str:
    """Package, its version and that of Python; empty if it is not installed."""
    try:
        return f"{package} {version(package)} on Python {sys.version_info.major}.{sys.version_info.minor}"
    except PackageNotFoundError:
        return ""


def measure(package: str, data: Path) -> dict[str, float]:
    """The values of a package by tag; DATA holds `ibsi_1_digital_phantom`."""
    with _quiet():
        return PEERS[package]((data / "ibsi_1_digital_phantom" / "nifti").resolve())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """They say much, and warn of their own dependencies."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
