"""NRRD files, read by pynrrd once they are known to be harmless (teem.sourceforge.net/nrrd/format.html)."""

import bz2
import gzip
import os
import re
from collections.abc import Mapping
from io import BytesIO
from itertools import takewhile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from lucidray.core.errors import Permanent
from lucidray.lab.bounded import inflated, voxel_count

_GZIP = ("gzip", "gz")
_PACKED = (*_GZIP, "bzip2", "bz2")
_FROM_THE_END = -1  # as a byte skip: the voxels are the last bytes
_DATA_FILE, _LINE_SKIP, _BYTE_SKIP = (("datafile", "data file"), ("lineskip", "line skip"), ("byteskip", "byte skip"))
_LIST = re.compile(rb"data ?file:=?\s*LIST\b")


def load_nrrd(path: Path) -> tuple[npt.NDArray[Any], Mapping[str, Any]]:
    """Voxels, the fastest axis first, and header.

    Raises
    ------
    Permanent
        The header names a file elsewhere or several, skips what is not there, or says another size than the data has;
        or pynrrd is not installed.
    Exception
        Whatever pynrrd and numpy raise on broken files.
    """
    try:
        import nrrd
    except ImportError:
        raise Permanent("package pynrrd", "it is not installed", "pip install 'lucidray[lab]'") from None
    thing = f"file {path.name}"
    with path.open("rb") as file:
        lines = list(takewhile(bytes.strip, file))
        if any(map(_LIST.match, lines)):
            raise _elsewhere(thing, "LIST")
        header = nrrd.read_header(lines)
        name = _field(header, _DATA_FILE, None)
        if name is None:
            return _voxels(file, header, thing), header
    with _data_file(path, name).open("rb") as file:
        return _voxels(file, header, thing), header


def _data_file(path: Path, name: str) -> Path:
    """The file of a detached header: one that came with it, not any that the reader may open."""
    there = path.parent / name
    rooted = PurePosixPath(name).anchor or PureWindowsPath(name).anchor
    if rooted or ".." in PureWindowsPath(name).parts or "%" in name or not there.is_file():
        raise _elsewhere(f"file {path.name}", name)
    return there


def _voxels(file: IO[bytes], header: Mapping[str, Any], thing: str) -> npt.NDArray[Any]:
    from nrrd import read_data

    plain = {key: value for key, value in header.items() if key not in _DATA_FILE + _LINE_SKIP + _BYTE_SKIP}
    one = plain | {"encoding": "raw", "sizes": np.ones_like(header["sizes"])}
    itemsize = read_data(one, BytesIO(bytes(np.dtype(np.float64).itemsize))).dtype.itemsize
    size = voxel_count(header["sizes"], thing) * itemsize
    _skip(file, header, size, thing)
    if header["encoding"] in _PACKED:
        stream = gzip.GzipFile(fileobj=file) if header["encoding"] in _GZIP else bz2.BZ2File(file)
        plain["encoding"], file = "raw", BytesIO(inflated(stream, size, thing))
    elif header["encoding"] == "raw" and not size <= _left(file) < size + itemsize:
        cause = f"its header says {size} bytes of voxels, and there are {_left(file)}"
        raise Permanent(thing, cause, "get header and data from their source again")
    voxels: npt.NDArray[Any] = read_data(plain, file, index_order="F")
    return voxels


def _skip(file: IO[bytes], header: Mapping[str, Any], size: int, thing: str) -> None:
    """Go to where the voxels begin, of which there are `size` bytes."""
    lines, skipped = _field(header, _LINE_SKIP, 0), _field(header, _BYTE_SKIP, 0)
    if not 0 <= lines <= _left(file) or not all(file.readline() for _ in range(lines)):
        raise _no_such(thing, f"line skip {lines}")
    if skipped == _FROM_THE_END and header["encoding"] == "raw":
        skipped = _left(file) - size
    # What is compressed is skipped after it was inflated, which pynrrd does not read.
    most = 0 if header["encoding"] in _PACKED else _left(file)
    if not 0 <= skipped <= most:
        raise _no_such(thing, f"byte skip {_field(header, _BYTE_SKIP, 0)}")
    file.seek(skipped, os.SEEK_CUR)


def _left(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size - file.tell()


def _field(header: Mapping[str, Any], names: tuple[str, str], default: Any) -> Any:
    return next((header[name] for name in names if name in header), default)


def _no_such(thing: str, skip: str) -> Permanent:
    return Permanent(thing, f"{skip} leads out of its data", "write it again without a skip")


def _elsewhere(thing: str, name: str) -> Permanent:
    cause = f"its data file '{name}' is not one file in the header's own folder"
    return Permanent(thing, cause, "put the data there, in one file, or write both as one .nrrd")
