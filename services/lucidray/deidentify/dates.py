"""Dates by whole days; times are never touched, so that every interval stays what it was (PS3.15 E.3.6)."""

import re
from datetime import date, timedelta

_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_DATETIME = re.compile(r"(\d{8})((?:\d{2}){0,3}(?:\.\d{1,6})?(?:[+-]\d{4})?)")
_TIME = re.compile(r"\d{2}:?(?:\d{2}:?(?:\d{2}(?:\.\d{1,6})?)?)?")


def shifted(value: str, vr: str, days: int) -> str | None:
    """A value of VR DA or DT `days` later (several: separated by backslashes), or None if it is not a whole date."""
    parts = [_shifted_one(part.strip(" \0"), vr, days) for part in value.split("\\")]
    return None if None in parts else "\\".join(part or "" for part in parts)


def is_time(value: str) -> bool:
    """Whether a value has VR TM."""
    return all(_TIME.fullmatch(part.strip(" \0")) for part in value.split("\\"))


def _shifted_one(value: str, vr: str, days: int) -> str | None:
    if not value:
        return ""
    if vr == "DT":
        match = _DATETIME.fullmatch(value)
        moved = _moved(match[1], days) if match else None
        return None if moved is None or match is None else moved + match[2]
    return _moved(value, days)


def _moved(value: str, days: int) -> str | None:
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    try:
        moved = date(int(match[1]), int(match[2]), int(match[3])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"
