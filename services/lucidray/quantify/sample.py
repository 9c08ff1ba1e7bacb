"""What the families of one measurement share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from lucidray.quantify.discretise import Limits, bin_numbers
from lucidray.quantify.grey import GreyLevels, Histogram, grey_levels, histogram_of
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import Region
from lucidray.quantify.values import Undefined

T = TypeVar("T")
_NO_LEVELS = Undefined("the measurement names no discretisation")


@dataclass
class Sample:
    """A region under a measurement; what several families need is made once and kept."""

    region: Region
    measurement: Measurement
    discretisation: Discretisation | None
    filter: str = ""  # name of the response map; empty: the image itself
    _kept: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def intensities(self) -> npt.NDArray[np.float64]:
        """Of the intensity mask, ascending."""
        return np.sort(self.region.voxels[self.region.intensity_mask])

    @cached_property
    def numbers(self) -> npt.NDArray[np.int64] | Undefined:
        """Grey level of each voxel of the intensity mask, in the order of the array."""
        if self.discretisation is None:
            return _NO_LEVELS
        return bin_numbers(self.region.voxels[self.region.intensity_mask], self.discretisation, self.limits)

    @cached_property
    def histogram(self) -> Histogram | Undefined:
        """Of the grey levels."""
        if self.discretisation is None:
            return _NO_LEVELS
        return self.numbers if isinstance(self.numbers, Undefined) else histogram_of(self.numbers, self.discretisation)

    @cached_property
    def grey(self) -> GreyLevels | Undefined:
        """Grey levels in their places, padded as far as any matrix of the measurement looks."""
        if isinstance(self.numbers, Undefined):
            return self.numbers
        if isinstance(self.histogram, Undefined):
            return self.histogram
        wanted = self.measurement
        pad = max(wanted.glcm.distance, wanted.ngtdm.distance, wanted.ngldm.distance)
        return grey_levels(self.region, self.numbers, self.histogram, pad)

    @property
    def limits(self) -> Limits:
        """The re-segmentation range; it says nothing about the intensities of a response map."""
        return (None, None) if self.filter else self.measurement.intensity_range

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, made when it is first asked for."""
        if name not in self._kept:
            self._kept[name] = make()
        found: T = self._kept[name]
        return found
