"""A mask to lesions: connected components, the largest first."""

import hashlib
import uuid
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

MOST_SEGMENTS = 255  # a label map is uint8
_STEPS = {6: 1, 18: 2, 26: 3}  # neighbours: axes along which they may differ


@dataclass(frozen=True)
class Lesions:
    """Labels (z, y, x) from 1, by falling size; sizes in voxels; what was dropped."""

    labels: npt.NDArray[np.uint8]
    sizes: list[int]
    too_small: int
    too_many: int


def separate(mask: npt.NDArray[np.bool_], connectivity: int, minimum_voxels: int, maximum: int) -> Lesions:
    """Connected components of at least `minimum_voxels`, the `maximum` largest; ties by position."""
    components, count = ndimage.label(mask, ndimage.generate_binary_structure(3, _STEPS[connectivity]))
    sizes = np.bincount(components.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")  # scipy numbers components in the order of memory
    enough = [int(each) for each in order if sizes[each] >= max(1, minimum_voxels)]
    kept = enough[: min(maximum, MOST_SEGMENTS)]
    new_label = np.zeros(count + 1, np.uint8)
    new_label[np.array(kept, np.intp) + 1] = np.arange(1, len(kept) + 1)
    return Lesions(
        labels=new_label[components],
        sizes=[int(sizes[each]) for each in kept],
        too_small=count - len(enough),
        too_many=len(enough) - len(kept),
    )


def tracking_uid(case_id: str, number: int) -> str:
    """UID of a lesion of a case, the same whenever and wherever it is computed (DICOM PS3.5 B.2)."""
    digest = hashlib.sha256(f"{case_id}\x1f{number}".encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"
