"""Messages out of records."""

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from lucidray.bus.base import Record
from lucidray.core import logging

log = logging.get(__name__)

M = TypeVar("M", bound=Message)


def read(kind: type[M], record: Record) -> M | None:
    """The message of a record. None, and a line in the log, where it does not decode: no other try will help."""
    try:
        return kind.FromString(record.value)
    except DecodeError:
        log.error(
            "record-not-decoded",
            message=kind.DESCRIPTOR.name,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
        return None
