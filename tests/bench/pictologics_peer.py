"""pictologics in a process of its own, for it needs a later Python than some have.

LUCIDRAY_PICTOLOGICS is the command of a Python (3.12 or later) into which it is installed.
"""

import io
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from lucidray.quantify.region import Region

COMMAND = "LUCIDRAY_PICTOLOGICS"

# Reads a region, then measures it once for every line.
_WORKER = """
import io, sys, time
import numpy as np
from pictologics import RadiomicsPipeline
from pictologics.loader import Image

bins, size = int(sys.argv[1]), int(sys.stdin.buffer.readline())
given = np.load(io.BytesIO(sys.stdin.buffer.read(size)))
place = {"spacing": (1.0, 1.0, 1.0), "origin": (0.0, 0.0, 0.0)}
image, mask = (Image(array=np.asfortranarray(given[name].T), **place) for name in ("voxels", "mask"))
families = ["intensity", "morphology", "texture", "histogram", "ivh"]
spatial = {"include_spatial_intensity": False, "include_local_intensity": False}
pipeline = RadiomicsPipeline()
pipeline.add_config("bench", [
    {"step": "discretise", "params": {"method": "FBN", "n_bins": bins}},
    {"step": "extract_features", "params": {"families": families, **spatial}},
])
for _ in sys.stdin.buffer:
    start = time.perf_counter()
    found = pipeline.run(image, mask, config_names=["bench"])["bench"]
    print(time.perf_counter() - start, len(found), file=sys.__stdout__, flush=True)
"""


class Pictologics:
    """A process that measures one region again and again."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.features = 0

    @staticmethod
    def present() -> bool:
        """Whether there is a Python with it."""
        if COMMAND not in os.environ:
            print(f"pictologics needs Python >= 3.12: no row; {COMMAND} names the command of a Python that has it")
        return COMMAND in os.environ

    @classmethod
    @contextmanager
    def start(cls, region: Region, bins: int, threads: int) -> Iterator["Pictologics"]:
        """With so many threads; it has compiled what it needs when this returns."""
        command = [*shlex.split(os.environ[COMMAND]), "-c", _WORKER, str(bins)]
        environment = os.environ | {"PICTOLOGICS_NUM_THREADS": str(threads)}
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdin
            found = cls(process)
            found._give(region)
            found.seconds()
            yield found
            process.stdin.close()

    def _give(self, region: Region) -> None:
        packed = io.BytesIO()
        np.savez(packed, voxels=region.voxels, mask=region.mask.astype(np.uint8))
        content = packed.getvalue()
        assert self._process.stdin
        self._process.stdin.write(f"{len(content)}\n".encode() + content)

    def seconds(self) -> float:
        """Of one run."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(b"once more\n")
        self._process.stdin.flush()
        seconds, features = self._process.stdout.readline().split()
        self.features = int(features)
        return float(seconds)
