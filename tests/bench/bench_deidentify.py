"""`make bench-deidentify`: CT slices of 525 kB from file to file, and one object of 1 GB.

Ours is what `lucidray deidentify` does with a file: read, gate, look at the pixels of a sample of the slices for text,
engine, write; no peer looks at pixels. pydicom's reading and writing a file, without doing anything to it, is the bound
of every tool that is built on it. CPU seconds of one process; the tools take turns in every round, on the same files.
Peers are of the extra `bench`; one that is not installed is named and left out.
"""

import io
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian
from tests.bench.table import Row, compare, report
from tests.deidentify.objects import item, items, part10

from lucidray.core.identity import SiteKey, new_site_key
from lucidray.deidentify import dicomfile
from lucidray.deidentify.engine import Deidentifier, Replaced
from lucidray.deidentify.profile import load_profile
from lucidray.deidentify.pseudonyms import PseudonymKeys
from lucidray.deidentify.rules import Rulebook
from lucidray.deidentify.source import Source, opened
from lucidray.deidentify.study import Identity, Study
from lucidray.phantom import make_study

FILES, ROUNDS = 120, 9
BYTES_OF_PIXELS = 512 * 512 * 2
FRAMES = 2048  # of 512 x 512 x 2 bytes: 1 GiB
OURS, BARE, ANONYMIZER = "lucidray", "pydicom read + write", "dicom-anonymizer"
AT_MOST_OF_ANONYMIZER = 0.5  # of its time: at least twice as fast
AT_MOST_OF_BARE = 1 / 0.7  # at least 0.7 times as fast
MOST_MIB = 256

Tool = Callable[[Path, Path], None]


def slices(folder: Path) -> list[Path]:
    """CT slices of a phantom, with noise of 512 x 512 for pixels: they do not compress and fill no cache twice."""
    headers = make_study(3).of("CT")
    chance = np.random.default_rng(1)
    paths = []
    for number in range(FILES):
        dataset = headers[number % len(headers)]
        dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.{number + 1}"
        dataset.InstanceNumber = number + 1
        dataset.Rows = dataset.Columns = 512
        dataset.PixelData = chance.bytes(BYTES_OF_PIXELS)
        paths.append(folder / f"{number}.dcm")
        paths[-1].write_bytes(part10(dataset, ExplicitVRLittleEndian))
    return paths


def study_of(path: Path) -> Study:
    """What de-identifies the study of a file, as the folder command sets it up."""
    with dicomfile.quietly(), opened(path) as data:
        identity = Identity.of(Source.of(data).header())
    site_key = SiteKey(new_site_key())
    keys = PseudonymKeys(site_key)
    rules = Rulebook(load_profile("clinical-ai"))
    return Study(site_key, identity, Deidentifier(identity.pseudonym(keys), keys, rules, Replaced()))


def ours(study: Study) -> Tool:
    """The folder command's work on one file."""

    def clean(source: Path, target: Path) -> None:
        with dicomfile.quietly(), opened(source) as data:
            study.clean(data, "bench").write(target)

    return clean


def bare(source: Path, target: Path) -> None:
    """Read and write."""
    pydicom.dcmread(source).save_as(target)


def anonymizer() -> Tool | None:
    """dicom-anonymizer with its default rules; None if it is not installed."""
    try:
        module = import_module("dicomanonymizer")
    except ImportError:
        print("dicom-anonymizer is not installed (extra bench): left out")
        return None
    anonymize: Any = module.anonymize_dicom_file

    def clean(source: Path, target: Path) -> None:
        with redirect_stdout(io.StringIO()):
            anonymize(str(source), str(target))

    return clean


def seconds(tool: Tool, paths: list[Path], target: Path) -> float:
    """Milliseconds of CPU a file."""
    start = time.process_time()
    for number, path in enumerate(paths):
        tool(path, target / f"{number}.dcm")
    spent = time.process_time() - start
    for written in target.iterdir():
        written.unlink()
    return spent / len(paths) * 1e3


def speed(folder: Path) -> list[Row]:
    """Rows of the slices."""
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    paths = slices(folder / "in")
    tools: dict[str, Tool] = {OURS: ours(study_of(paths[0])), BARE: bare}
    if peer := anonymizer():
        tools[ANONYMIZER] = peer
    spent: dict[str, list[float]] = {name: [] for name in tools}
    for number in range(ROUNDS + 1):
        for name in (*tools,) if number % 2 else reversed((*tools,)):
            value = seconds(tools[name], paths, folder / "out")
            if number:  # the first round warms up
                spent[name].append(value)
    size = paths[0].stat().st_size / 1e3
    figure = f"one CT slice of {size:.0f} kB"
    goals = {BARE: AT_MOST_OF_BARE, ANONYMIZER: AT_MOST_OF_ANONYMIZER}
    return [
        compare(figure, spent[OURS], "ms CPU", peer, spent[peer], at_most=goal)
        for peer, goal in goals.items()
        if peer in spent
    ]


def large(path: Path) -> None:
    """An enhanced MR of 1 GiB whose pixels the file system need not keep."""
    frame = item(
        FrameContentSequence=items(item(FrameAcquisitionDateTime="20200229101112.5", StackID="1")),
        PlanePositionSequence=items(item(ImagePositionPatient=[0.0, 0.0, 1.5])),
    )
    dataset = Dataset()
    values: dict[str, Any] = {
        "SOPClassUID": EnhancedMRImageStorage,
        "SOPInstanceUID": "1.2.826.0.1.3680043.8.498.7",
        "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.8",
        "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.9",
        "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        "Modality": "MR",
        "PatientID": "4711",
        "PatientName": "Muster^Erika",
        "NumberOfFrames": FRAMES,
        "PerFrameFunctionalGroupsSequence": items(*[frame] * FRAMES),
        "PhotometricInterpretation": "MONOCHROME2",
        "SamplesPerPixel": 1,
        "Rows": 512,
        "Columns": 512,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.add_new("PixelData", "OW", b"")
    data = part10(dataset, ExplicitVRLittleEndian)
    length = FRAMES * BYTES_OF_PIXELS
    path.write_bytes(data[:-4] + length.to_bytes(4, "little"))
    os.truncate(path, len(data) + length)


def peak(folder: Path) -> Row:
    """The row of the large object: a process of its own, from start to end."""
    source, target = folder / "large.dcm", folder / "clean.dcm"
    large(source)
    command = [sys.executable, "-m", "tests.bench.bench_deidentify", str(source), str(target)]
    found = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    size = target.stat().st_size
    assert size > FRAMES * BYTES_OF_PIXELS, size
    return compare(f"peak memory, object of {size / 2**30:.1f} GiB", [found], "MiB", "bound", [MOST_MIB], at_most=1)


def main() -> None:
    """Print the table; with two files: clean the first into the second and print the peak memory in MiB."""
    warnings.simplefilter("ignore")
    if len(sys.argv) > 1:
        source, target = map(Path, sys.argv[1:3])
        ours(study_of(source))(source, target)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = [*speed(Path(folder)), peak(Path(folder))]
    report("deidentify", rows)


if __name__ == "__main__":
    main()
