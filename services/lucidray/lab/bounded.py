"""Files from anywhere take no more memory than their headers say, and headers may not say anything."""

import math
from collections.abc import Sequence
from io import BufferedIOBase

from lucidray.core.errors import Permanent
from lucidray.harmonize.settings import HarmonizeSettings


def voxel_count(shape: Sequence[int], thing: str) -> int:
    """How many voxels a header's shape has, before anything is allocated for them.

    Raises
    ------
    Permanent
        They are more than setting harmonize.voxels, which holds for DICOM series too, or a length is negative.
    """
    lengths = [int(length) for length in shape]  # of numpy they would overflow
    if min(lengths, default=0) < 0:
        raise Permanent(thing, f"its header says a shape of {lengths}", "write the file again")
    count, most = math.prod(lengths), HarmonizeSettings.load().voxels
    if count > most:
        cause = f"its header says {count:.3g} voxels, more than {most}"
        raise Permanent(thing, cause, "if it is what it should be, raise setting harmonize.voxels")
    return count


def inflated(stream: BufferedIOBase, most: int, thing: str) -> bytes:
    """All that a decompressing stream holds, read to its end, where the checksum is.

    Raises
    ------
    Permanent
        It holds more than `most` bytes; no more than these were inflated.
    """
    data = stream.read(most + 1)
    if len(data) > most:
        cause = f"it inflates to more than its header says, beyond {most} bytes"
        raise Permanent(thing, cause, "it is damaged or made to fill memory: get it from its source again")
    return data
