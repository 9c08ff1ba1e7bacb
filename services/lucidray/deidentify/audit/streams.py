"""The byte streams of a file: its bytes, and whatever was packed into them."""

import base64
import binascii
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

MAX_UNPACKED = 64 << 20  # of one packed stream; what is longer is searched up to here
MAX_DEPTH = 3  # packed in packed
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_DEFLATED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")  # RFC 1950, RFC 1952
_ZIP = b"PK\x03\x04"
MIN_UNPACKED = 6


class Stream(NamedTuple):
    """Bytes to search; `offset` is where in the stream above they were packed."""

    name: str
    data: bytes
    offset: int


def packed_streams(data: bytes, depth: int = 0) -> Iterator[Stream]:
    """What is packed in bytes: gzip, zlib (also in PDF), ZIP, base64; each with what is packed in it."""
    if depth >= MAX_DEPTH:
        return
    for stream in (*_deflated(data), *_zipped(data), *_base64(data)):
        yield stream
        for inner in packed_streams(stream.data, depth + 1):
            yield Stream(f"{inner.name} in {stream.name}", inner.data, stream.offset)


def _deflated(data: bytes) -> Iterator[Stream]:
    for match in _DEFLATED.finditer(data):
        inflator = zlib.decompressobj(32 + zlib.MAX_WBITS)  # zlib or gzip, by its header
        try:
            content = inflator.decompress(memoryview(data)[match.start() :], MAX_UNPACKED)
        except zlib.error:
            continue
        if len(content) >= MIN_UNPACKED:
            yield Stream("deflated", content, match.start())


def _zipped(data: bytes) -> Iterator[Stream]:
    start = data.find(_ZIP)
    if start < 0:
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data[start:])) as archive:
            for info in archive.infolist():
                yield Stream("name in ZIP", info.filename.encode(), start)
                with archive.open(info) as member:
                    yield Stream("ZIP", member.read(MAX_UNPACKED), start)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error):
        return


def _base64(data: bytes) -> Iterator[Stream]:
    for match in _BASE64.finditer(data):
        text = match.group().rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        try:
            content = base64.b64decode(text[: len(text) // 4 * 4])
        except binascii.Error:
            continue
        if _DEFLATED.match(content) or content.startswith(_ZIP):  # plain text in base64 has needles of its own
            yield Stream("base64", content, match.start())
