"""What must be known of a data set before it is acknowledged: that it is whole, and whose it is."""

from dataclasses import dataclass

from pydicom.uid import UID

from lucidray.gateway.command import Status, StoreRequest, is_uid
from lucidray.imaging.elements import PIXEL_DATA, Kind, Malformed, Token, encoding_of, inflated, is_deflated, walk

SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018
STUDY_INSTANCE_UID, SERIES_INSTANCE_UID = 0x0020000D, 0x0020000E
SAMPLES_PER_PIXEL, PHOTOMETRIC_INTERPRETATION = 0x00280002, 0x00280004
NUMBER_OF_FRAMES, ROWS, COLUMNS, BITS_ALLOCATED = 0x00280008, 0x00280010, 0x00280011, 0x00280100
PIXELS = (PIXEL_DATA, 0x7FE00008, 0x7FE00009)
# Instead of pixels: SpectroscopyData, PixelDataProviderURL.
_NO_PIXELS = frozenset({0x56000020, 0x00287FE0})
_NUMBERS = frozenset({SAMPLES_PER_PIXEL, ROWS, COLUMNS, BITS_ALLOCATED})
_TEXTS = frozenset(
    {
        SOP_CLASS_UID,
        SOP_INSTANCE_UID,
        STUDY_INSTANCE_UID,
        SERIES_INSTANCE_UID,
        PHOTOMETRIC_INTERPRETATION,
        NUMBER_OF_FRAMES,
    }
)
_WANTED = _NUMBERS | _TEXTS
_UID_NAMES = {STUDY_INSTANCE_UID: "StudyInstanceUID", SERIES_INSTANCE_UID: "SeriesInstanceUID"}
_LONGEST_WANTED = 80  # bytes; a UID has at most 64
_RESEND = "send the object again; if that does not help, look at it where it was made"


class NotAccepted(Exception):
    """An object is refused. None of its texts carries PHI."""

    def __init__(self, status: int, cause: str, remedy: str) -> None:
        super().__init__(status, cause, remedy)
        self.status = status
        self.cause = cause
        self.remedy = remedy


@dataclass(frozen=True)
class Identity:
    """The UIDs of an object."""

    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str


def check_request(request: StoreRequest, abstract_syntax: str) -> None:
    """Whether a C-STORE request may be followed by its data set.

    Raises
    ------
    NotAccepted
        Its SOP class is not the one of its presentation context, or its SOPInstanceUID is none.
    """
    if request.sop_class_uid != abstract_syntax.encode():
        raise NotAccepted(
            Status.SOP_CLASS_NOT_SUPPORTED,
            "AffectedSOPClassUID is not that of the presentation context",
            "correct the sender: propose a presentation context for each SOP class that it sends",
        )
    if not is_uid(request.sop_instance_uid):
        raise NotAccepted(
            Status.CANNOT_UNDERSTAND,
            "AffectedSOPInstanceUID is not a UID",
            "correct the sender: a UID holds digits and dots, at most 64 (PS3.5 section 9.1)",
        )


def inspect(data: memoryview, transfer_syntax: str, request: StoreRequest, max_inflated: int) -> Identity:
    """Check a data set as it was received.

    Parameters
    ----------
    data
        The encoded data set.
    transfer_syntax
        In which it is encoded.
    request
        The command that announced it.
    max_inflated
        Most bytes that a deflated data set may take inflated.

    Raises
    ------
    NotAccepted
        It is cut short, malformed, or another object than announced.
    """
    try:
        content = inflated(data, max_inflated) if is_deflated(transfer_syntax) else data
        values, pixels = _read(content, transfer_syntax)
        _check_pixels(values, pixels, UID(transfer_syntax).is_encapsulated)
    except Malformed as error:
        raise NotAccepted(Status.CANNOT_UNDERSTAND, str(error), _RESEND) from None
    _check_same(values, SOP_INSTANCE_UID, "SOPInstanceUID", request.sop_instance_uid)
    _check_same(values, SOP_CLASS_UID, "SOPClassUID", request.sop_class_uid)
    for tag, keyword in _UID_NAMES.items():
        if not is_uid(values.get(tag, b"")):
            raise NotAccepted(
                Status.DATA_SET_DOES_NOT_MATCH, f"{keyword} is missing or not a UID", "correct it where it was made"
            )
    return Identity(
        request.sop_instance_uid.decode(), values[STUDY_INSTANCE_UID].decode(), values[SERIES_INSTANCE_UID].decode()
    )


def _read(data: bytes | memoryview, transfer_syntax: str) -> tuple[dict[int, bytes], Token | None]:
    """Wanted values by tag, numbers little endian, and the element of the pixels."""
    encoding = encoding_of(transfer_syntax)
    values: dict[int, bytes] = {}
    pixels = None
    for token in walk(data, encoding):
        if token.depth:
            continue
        if token.tag in PIXELS and token.kind in (Kind.ELEMENT, Kind.SEQUENCE):
            pixels = token
        elif token.tag in _NO_PIXELS:
            values[token.tag] = b"present"
        elif token.tag in _WANTED and token.kind is Kind.ELEMENT and token.end - token.start <= _LONGEST_WANTED:
            value = bytes(data[token.start : token.end])
            if token.tag in _NUMBERS:
                values[token.tag] = value[::-1] if encoding.big_endian else value
            else:
                values[token.tag] = value.strip(b"\0 ")
    return values, pixels


def _check_same(values: dict[int, bytes], tag: int, keyword: str, announced: bytes) -> None:
    if values.get(tag) != announced:
        raise NotAccepted(
            Status.DATA_SET_DOES_NOT_MATCH,
            f"{keyword} of the data set is not the one that the command announced",
            "correct the sender: command and data set must name the same object",
        )


def _check_pixels(values: dict[int, bytes], pixels: Token | None, encapsulated: bool) -> None:
    """Native pixels must fill the image; a reader would otherwise take a cut image for a whole one."""
    if pixels is None:
        if any(values.get(ROWS, b"")) and _NO_PIXELS.isdisjoint(values):
            raise Malformed("it is an image, and has no pixels")
        return
    if pixels.kind is Kind.SEQUENCE and encapsulated:
        return
    if pixels.kind is Kind.SEQUENCE:
        raise Malformed("its pixels are encapsulated, and its transfer syntax is a native one")
    if encapsulated:
        raise Malformed("its pixels are not encapsulated, and its transfer syntax demands it")
    needed = _native_bytes(values)
    if pixels.end - pixels.start < needed:
        raise Malformed(f"its pixels are {needed - (pixels.end - pixels.start)} bytes short")


def _native_bytes(values: dict[int, bytes]) -> int:
    """Bytes that native pixels take (PS3.5 section 8.1.1); 0 where the image does not say."""

    def number(tag: int, default: int) -> int:
        return int.from_bytes(values.get(tag, b""), "little") or default

    frames = values.get(NUMBER_OF_FRAMES, b"")
    samples = number(SAMPLES_PER_PIXEL, 1)
    count = number(ROWS, 0) * number(COLUMNS, 0) * (int(frames) if frames.isdigit() else 1)
    if samples == 3 and values.get(PHOTOMETRIC_INTERPRETATION) == b"YBR_FULL_422":
        samples = 2  # two chroma values for two pixels (PS3.3 section C.7.6.3.1.2)
    return (count * samples * number(BITS_ALLOCATED, 0) + 7) // 8
