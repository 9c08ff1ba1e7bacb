"""The command set of a DIMSE message (PS3.7 sections 6.3.1 and 9.3.1): implicit VR little endian."""

import re
from dataclasses import dataclass
from struct import Struct
from typing import Final

from lucidray.imaging.elements import Encoding, Kind, Malformed, walk

MAX_COMMAND_BYTES: Final = 16 << 10  # the longest standard command set takes a few hundred bytes

AFFECTED_SOP_CLASS_UID, AFFECTED_SOP_INSTANCE_UID = 0x0002, 0x1000
COMMAND_FIELD, MESSAGE_ID, MESSAGE_ID_BEING_RESPONDED_TO = 0x0100, 0x0110, 0x0120
COMMAND_DATA_SET_TYPE, STATUS, ERROR_COMMENT, GROUP_LENGTH = 0x0800, 0x0900, 0x0902, 0x0000
C_STORE_RQ, C_STORE_RSP, NO_DATA_SET = 0x0001, 0x8001, 0x0101

_UID = re.compile(rb"[0-9]+(\.[0-9]+)*")
_SHORT = Struct("<H")
_ELEMENT = Struct("<HHI")
_PDU = Struct(">BxIIBB")  # P-DATA-TF with one PDV (PS3.8 table 9-22): type, length, item length, context, control
_P_DATA_TF, _LAST_COMMAND = 0x04, 0x03


class Status:
    """Statuses of C-STORE (PS3.4 table B.2-1, PS3.7 annex C)."""

    SUCCESS: Final = 0x0000
    SOP_CLASS_NOT_SUPPORTED: Final = 0x0122
    OUT_OF_RESOURCES: Final = 0xA700
    DATA_SET_DOES_NOT_MATCH: Final = 0xA900
    CANNOT_UNDERSTAND: Final = 0xC000


@dataclass(frozen=True)
class StoreRequest:
    """A C-STORE-RQ as it came; its UIDs are not trusted yet."""

    message_id: int
    sop_class_uid: bytes
    sop_instance_uid: bytes


def parse_command(data: bytes) -> dict[int, bytes]:
    """Values by element number.

    Raises
    ------
    Malformed
        It is not a command set.
    """
    values: dict[int, bytes] = {}
    for token in walk(data, Encoding(implicit=True), max_depth=0):
        if token.kind is not Kind.ELEMENT or token.tag >> 16:
            raise Malformed("a command set holds only elements of group 0000")
        values[token.tag] = data[token.start : token.end]
    if len(values.get(COMMAND_FIELD, b"")) != _SHORT.size:
        raise Malformed("a command set names no command")
    return values


def store_request(values: dict[int, bytes]) -> StoreRequest | None:
    """The C-STORE-RQ that the values are, or None if they are another message.

    Raises
    ------
    Malformed
        It is a C-STORE-RQ that lacks its message id or data set.
    """
    if _SHORT.unpack(values[COMMAND_FIELD])[0] != C_STORE_RQ:
        return None
    message_id = values.get(MESSAGE_ID, b"")
    if len(message_id) != _SHORT.size:
        raise Malformed("a C-STORE request has no message id")
    if values.get(COMMAND_DATA_SET_TYPE) == _SHORT.pack(NO_DATA_SET):
        raise Malformed("a C-STORE request announces no data set")
    return StoreRequest(
        message_id=_SHORT.unpack(message_id)[0],
        sop_class_uid=_trimmed(values.get(AFFECTED_SOP_CLASS_UID, b"")),
        sop_instance_uid=_trimmed(values.get(AFFECTED_SOP_INSTANCE_UID, b"")),
    )


def is_uid(value: bytes) -> bool:
    """Whether `value` is made like a UID (PS3.5 section 9.1).

    Leading zeros of a component, which the standard forbids and devices write, pass.
    """
    return len(value) <= 64 and _UID.fullmatch(value) is not None


def store_response(request: StoreRequest, context_id: int, status: int, comment: str = "") -> bytes:
    """A C-STORE-RSP as one P-DATA-TF PDU; `comment` carries no PHI and at most 64 characters."""
    body = b"".join(
        (
            _element(AFFECTED_SOP_CLASS_UID, request.sop_class_uid if is_uid(request.sop_class_uid) else b""),
            _element(COMMAND_FIELD, _SHORT.pack(C_STORE_RSP)),
            _element(MESSAGE_ID_BEING_RESPONDED_TO, _SHORT.pack(request.message_id)),
            _element(COMMAND_DATA_SET_TYPE, _SHORT.pack(NO_DATA_SET)),
            _element(STATUS, _SHORT.pack(status)),
            _element(ERROR_COMMENT, comment[:64].encode("ascii", "replace"), b" ") if comment else b"",
            _element(AFFECTED_SOP_INSTANCE_UID, request.sop_instance_uid if is_uid(request.sop_instance_uid) else b""),
        )
    )
    command = _element(GROUP_LENGTH, len(body).to_bytes(4, "little")) + body
    return _PDU.pack(_P_DATA_TF, len(command) + 6, len(command) + 2, context_id, _LAST_COMMAND) + command


def _element(number: int, value: bytes, padding: bytes = b"\0") -> bytes:
    value += padding * (len(value) % 2)
    return _ELEMENT.pack(0x0000, number, len(value)) + value


def _trimmed(value: bytes) -> bytes:
    return value.rstrip(b"\0 ")
