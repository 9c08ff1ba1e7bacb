"""Neighbourhood grey tone difference and neighbouring grey level dependence matrices.

IBSI manual, sections 3.10 and 3.11; IPET and REK0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.quantify.grey import GreyLevels
from lucidray.quantify.texture import kernels
from lucidray.quantify.texture.aggregate import average
from lucidray.quantify.texture.directions import Vectors
from lucidray.quantify.texture.emphasis import emphasis, names_of
from lucidray.quantify.values import Undefined, Values

Integers = npt.NDArray[np.int64]

COARSEST = 1e6  # the manual's greatest coarseness, where neighbours do not differ
_ALONE = Undefined("no voxel of the region has a neighbour")
DEPENDENCES = names_of("ngl_")
_TONE_NAMES = ("ngt_coarseness", "ngt_contrast", "ngt_busyness", "ngt_complexity", "ngt_strength")


@dataclass(frozen=True)
class Neighbourhoods:
    """What the neighbourhoods of a slice or a volume sum up to; see `kernels.neighbourhoods`."""

    differences: Integers  # (K, W + 1)
    voxels: Integers  # (K, W + 1)
    dependences: Integers  # (K, W + 1), columns from 1

    def __add__(self, other: "Neighbourhoods") -> "Neighbourhoods":
        return Neighbourhoods(
            self.differences + other.differences, self.voxels + other.voxels, self.dependences + other.dependences
        )


def find_neighbourhoods(
    grey: GreyLevels, vectors: Vectors, coarseness: int, *, within_slice: bool
) -> list[Neighbourhoods]:
    """The neighbourhoods of each slice, or of the volume."""
    offsets, table = grey.offsets(vectors), np.concatenate([[0], grey.levels])
    small = len(vectors) * int(table[-1]) <= np.iinfo(np.int32).max
    levels, highest = (table.astype(np.int32) if small else table)[grey.flat], grey.levels.size
    found = []
    for first, last, _ in grey.slices if within_slice else [grey.whole]:
        differences, voxels, dependences = kernels.neighbourhoods(
            grey.flat, levels, first, last, offsets, coarseness, highest
        )
        found.append(Neighbourhoods(differences[1:], voxels[1:], dependences[1:, 1:]))
    return found


def aggregated(
    found: Sequence[Neighbourhoods],
    levels: Integers,
    features: Callable[[Neighbourhoods, Integers], Values],
    dimension: str,
) -> Values:
    """Features of each slice, averaged ('2D'), or of all neighbourhoods together ('2.5D', '3D')."""
    if dimension == "2D":
        return average(features(each, levels) for each in found)
    return features(sum(found[1:], found[0]), levels)


def dependences(found: Neighbourhoods, levels: Integers) -> Values:
    """Features of the dependence matrix."""
    matrix = found.dependences
    total, extents = int(matrix.sum()), np.arange(1, matrix.shape[1] + 1)
    energy = float(((matrix / total) ** 2).sum())
    return emphasis(matrix, levels, extents, total, DEPENDENCES) | {"ngl_dc_energy": energy}


def tone_differences(found: Neighbourhoods, levels: Integers) -> Values:
    """Features of the tone difference matrix; voxels without neighbours do not count."""
    numbers = found.voxels[:, 1:].sum(axis=1)
    present = numbers > 0
    if not present.any():
        return dict.fromkeys(_TONE_NAMES, _ALONE)
    sums = (found.differences[:, 1:] / np.arange(1, found.differences.shape[1])).sum(axis=1)[present]
    i, valid = levels[present].astype(np.float64), int(numbers.sum())
    p = numbers[present] / valid
    weighted, total = float((p * sums).sum()), float(sums.sum())
    gap = np.abs(i[:, None] - i)
    spread = float(np.abs((i * p)[:, None] - i * p).sum())
    pairs = i.size * (i.size - 1)
    values = (
        min(1 / weighted, COARSEST) if weighted else COARSEST,
        float((p[:, None] * p * gap**2).sum()) / pairs * total / valid if pairs else 0.0,
        weighted / spread if spread else 0.0,
        float((gap * ((p * sums)[:, None] + p * sums) / (p[:, None] + p)).sum()) / valid,
        float(((p[:, None] + p) * gap**2).sum()) / total if total else 0.0,
    )
    return dict(zip(_TONE_NAMES, values, strict=True))
