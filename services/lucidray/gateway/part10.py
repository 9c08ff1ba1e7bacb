"""The head of a DICOM Part 10 file (PS3.10 section 7.1)."""

from struct import pack

# Ours, from the UUID-derived root (PS3.5 section B.2): says which software wrote the head, not the image.
IMPLEMENTATION_CLASS_UID = "2.25.159199118103184896093760350655050597710"


def file_head(sop_class_uid: bytes, sop_instance_uid: bytes, transfer_syntax: str) -> bytes:
    """Preamble and file meta information; the data set follows as it was received.

    The head depends on nothing but the object, so that the same object gives the same file
    whoever sends it.
    """
    meta = b"".join(
        (
            pack("<HH2sHI", 2, 0x0001, b"OB", 0, 2) + b"\0\1",
            _uid(0x0002, sop_class_uid),
            _uid(0x0003, sop_instance_uid),
            _uid(0x0010, transfer_syntax.encode()),
            _uid(0x0012, IMPLEMENTATION_CLASS_UID.encode()),
        )
    )
    return b"\0" * 128 + b"DICM" + pack("<HH2sHI", 2, 0x0000, b"UL", 4, len(meta)) + meta


def _uid(element: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return pack("<HH2sH", 2, element, b"UI", len(value)) + value
