"""Identifiers and random numbers that follow from what they are for, so that a seed decides every byte."""

import hashlib
import uuid

import numpy as np


def _digest(parts: tuple[object, ...]) -> bytes:
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()


def uid(*parts: object) -> str:
    """A UID under 2.25, derived from `parts` (DICOM PS3.5 B.2)."""
    return f"2.25.{uuid.UUID(bytes=_digest(parts)[:16], version=5).int}"


def stream(*parts: object) -> np.random.Generator:
    """A random generator of its own for `parts`."""
    return np.random.default_rng(int.from_bytes(_digest(parts)[:16], "big"))
