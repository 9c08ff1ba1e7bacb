"""NRRD files that say what their data is not, or where data is that is not theirs."""

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lucidray.core.errors import Permanent
from lucidray.lab.features.research_files import read_research_file

VOXELS = np.arange(24, dtype="<i2").reshape(4, 3, 2)  # (z, y, x)
DATA = VOXELS.tobytes()


def write(path: Path, *fields: str, data: bytes = DATA, sizes: str = "2 3 4", encoding: str = "raw") -> Path:
    lines = ["NRRD0005", "type: short", "dimension: 3", f"sizes: {sizes}", "endian: little", f"encoding: {encoding}"]
    lines += ["space: left-posterior-superior", "space directions: (1,0,0) (0,1,0) (0,0,1)", *fields]
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + data)
    return path


def refused(path: Path, cause: str) -> None:
    with pytest.raises(Permanent, match=cause) as failure:
        read_research_file(path)
    assert failure.value.thing == f"file {path.name}"
    assert failure.value.remedy


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("gz", gzip.compress), ("bzip2", bz2.compress)]
)
def test_data_that_inflates_to_more_than_the_header_says_is_refused(
    tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    path = write(tmp_path / "mine.nrrd", data=pack(DATA), encoding=encoding)
    np.testing.assert_array_equal(read_research_file(path).layers[0], VOXELS)
    refused(write(path, data=pack(DATA + bytes(1 << 24)), encoding=encoding), "inflates to more than its header says")


@pytest.mark.parametrize("encoding", ["raw", "gzip", "ascii"])
@pytest.mark.parametrize(
    ("sizes", "cause"), [("90000 90000 90000", r"7\.29e\+14 voxels"), ("2 -3 4", r"a shape of \[2, -3, 4\]")]
)
def test_a_shape_that_no_memory_holds_is_refused(tmp_path: Path, encoding: str, sizes: str, cause: str) -> None:
    refused(write(tmp_path / "vast.nrrd", sizes=sizes, encoding=encoding), cause)


def test_raw_data_that_is_not_as_long_as_the_header_says_is_refused(tmp_path: Path) -> None:
    for data in (DATA[:-1], DATA + bytes(2)):
        refused(write(tmp_path / "mine.nrrd", data=data), f"says 48 bytes of voxels, and there are {len(data)}")


@pytest.mark.parametrize("skip", ["line skip: -1", "lineskip: 1000000000000", "byte skip: -2", "byteskip: 100000"])
@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_a_skip_out_of_the_data_is_refused_at_once(tmp_path: Path, skip: str, encoding: str) -> None:
    refused(write(tmp_path / "mine.nrrd", skip, encoding=encoding), f"{skip.split(':')[0][:4]} skip .* leads out")


def test_more_lines_than_there_are_and_bytes_from_the_end_of_compressed_data_are_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "lines.nrrd", "line skip: 10"), "line skip 10")
    refused(write(tmp_path / "end.nrrd", "byte skip: -1", data=gzip.compress(DATA), encoding="gzip"), "byte skip -1")
    refused(write(tmp_path / "short.nrrd", "byte skip: -1", data=DATA[:-2]), "byte skip -1")


@pytest.mark.parametrize(
    ("skips", "before"),
    [
        ((), b""),
        (("line skip: 2",), b"a\nb\n"),
        (("byte skip: 3", "line skip: 1"), b"a\nbcd"),
        (("byte skip: -1",), b"abc"),
    ],
)
@pytest.mark.parametrize("place", ["", "data.raw", "./data.raw", "below/data.raw"])
def test_skips_and_detached_data_within_the_folder_are_read(
    tmp_path: Path, skips: tuple[str, ...], before: bytes, place: str
) -> None:
    if place:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(before + DATA)
        path = write(tmp_path / "mine.nhdr", *skips, f"data file: {place}", data=b"")
    else:
        path = write(tmp_path / "mine.nrrd", *skips, data=before + DATA)
    np.testing.assert_array_equal(read_research_file(path).layers[0], VOXELS)


@pytest.mark.parametrize("key", ["data file: ", "datafile: ", "data file:="])
@pytest.mark.parametrize(
    "name",
    ["{folder}/data.raw", "../data.raw", "below/../../data.raw", "..\\data.raw", "C:\\data.raw", "LIST\ndata.raw"]
    + ["LIST 2\na: b", "data%d.raw 1 4 1", "absent.raw", "."],
)
def test_data_elsewhere_or_in_several_files_is_refused(tmp_path: Path, key: str, name: str) -> None:
    (tmp_path / "inner" / "below").mkdir(parents=True)
    (tmp_path / "data.raw").write_bytes(DATA)
    path = write(tmp_path / "inner" / "mine.nhdr", key + name.format(folder=tmp_path), data=b"")
    refused(path, "is not one file in the header's own folder")
