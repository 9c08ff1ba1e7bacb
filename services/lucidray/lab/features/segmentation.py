"""Segments of a DICOM SEG, binary, fractional or label map."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from highdicom.seg import Segmentation, segread

from lucidray.contracts.grid import Grid
from lucidray.core.errors import Permanent
from lucidray.lab.features.space import grid_of

_HALF = 0.5  # of the maximum fractional value


class SegmentationFile:
    """A SEG: the names of its segments, and each segment's mask."""

    def __init__(self, path: Path) -> None:
        self._thing = f"mask {path.name}"
        try:
            self._seg: Segmentation = segread(path)
        except Exception as error:  # pydicom and highdicom raise what they like on broken files
            raise self._unreadable(error) from None
        self.frame_of_reference_uid = str(getattr(self._seg, "FrameOfReferenceUID", ""))
        described = [self._seg.get_segment_description(number) for number in self._seg.segment_numbers]
        self.names = {int(each.segment_number): str(each.segment_label) for each in described}

    def mask(self, number: int) -> tuple[npt.NDArray[np.bool_], Grid]:
        """Mask (z, y, x) of a segment, on the smallest grid that holds all segments."""
        try:
            volume = self._seg.get_volume(segment_numbers=[number], allow_missing_positions=True)
        except Exception as error:
            raise self._unreadable(error) from None
        voxels = volume.array[..., 0]
        steps = volume.affine[:3, [2, 1, 0, 3]]  # highdicom's index order is (z, y, x), as ours
        inside = voxels >= _HALF if voxels.dtype.kind == "f" else voxels != 0
        return np.ascontiguousarray(inside), grid_of(steps, voxels.shape, self._thing)

    def _unreadable(self, error: Exception) -> Permanent:
        return Permanent(
            self._thing,
            f"its segments do not read as one volume ({type(error).__name__})",
            "export it again as one SEG of one image series",
        )
