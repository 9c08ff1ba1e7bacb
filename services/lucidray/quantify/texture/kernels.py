"""The loops over voxels, compiled: one for each kind of matrix.

All take grey levels as a flat array of ranks (0 outside the region, 1 to K for the K levels present) that is padded
so far that no offset leaves it, and the span [first, last) of its elements to visit: a slice or all. They count in
whole numbers, so that a matrix is the same bits whatever the order of the voxels, and run in one thread.
"""

import numpy as np
import numpy.typing as npt

from lucidray.quantify.compiled import compiled

Ranks = npt.NDArray[np.uint16]
Integers = npt.NDArray[np.int64]
Distances = npt.NDArray[np.int32]


@compiled
def cooccurrences(ranks: Ranks, first: int, last: int, offsets: Integers, counts: Integers) -> None:
    """Count pairs of voxels `offsets[d]` apart into `counts[d, rank, other rank]`, (D, K + 1, K + 1)."""
    for here in range(first, last):
        rank = ranks[here]
        if rank:
            for direction in range(offsets.size):
                counts[direction, rank, ranks[here + offsets[direction]]] += 1


@compiled
def runs(ranks: Ranks, first: int, last: int, offsets: Integers, counts: Integers) -> None:
    """Count runs along `offsets[d]` into `counts[d, rank, length]`, (D, K + 1, longest + 1).

    Row 0 takes the voxels at which no run ends: to count them there is faster than to ask.
    """
    lengths = np.zeros(last - first, np.uint16)  # of the run up to a voxel
    for direction in range(offsets.size):
        step = offsets[direction]
        for here in range(first, last):
            rank = ranks[here]
            if rank:
                length = 1 + lengths[here - step - first] * (ranks[here - step] == rank)
                lengths[here - first] = length
                counts[direction, rank * (ranks[here + step] != rank), length] += 1


@compiled
def zones(
    ranks: Ranks, distances: Distances, first: int, last: int, offsets: Integers
) -> tuple[Integers, Integers, Integers]:
    """Rank, size and least distance of each zone of equal ranks.

    Parameters
    ----------
    distances
        Of every voxel to the border of the region, flat as `ranks`.
    offsets
        To the neighbours that are visited before a voxel, all negative; first that along the slowest axis alone.
    """
    roots, count = _roots(ranks, first, last, offsets)
    found, sizes, least = np.empty(count, np.int64), np.zeros(count, np.int64), np.empty(count, np.int64)
    numbers, known = np.empty(last - first, np.int32), 0
    for here in range(first, last):
        if ranks[here]:
            root = roots[here - first]
            if root == here - first:
                numbers[root] = known
                found[known], least[known] = ranks[here], distances[here]
                known += 1
            number = numbers[root]
            sizes[number] += 1
            least[number] = min(least[number], distances[here])
    return found, sizes, least


@compiled
def _roots(ranks: Ranks, first: int, last: int, offsets: Integers) -> tuple[Distances, int]:
    """The first voxel of each voxel's zone, and the number of zones: union-find, a parent is never later."""
    parents = np.arange(last - first).astype(np.int32)
    for here in range(first, last):
        rank = ranks[here]
        if rank:
            root = here - first
            for offset in offsets:
                if ranks[here + offset] == rank:
                    other = here + offset - first
                    while parents[other] != other:
                        parents[other] = parents[parents[other]]
                        other = parents[other]
                    low, high = min(root, other), max(root, other)
                    parents[high] = low
                    root = low
                    if offset == offsets[0]:  # the other earlier neighbours are its neighbours, hence in its zone
                        break
    count = 0
    for here in range(first, last):
        own = here - first
        parents[own] = parents[parents[own]]
        count += ranks[here] != 0 and parents[own] == own
    return parents, count


@compiled
def neighbourhoods(
    ranks: Ranks, levels: Integers, first: int, last: int, offsets: Integers, coarseness: int
) -> tuple[Integers, Integers, Integers]:
    """Grey tone differences and dependences of every voxel and its neighbours within the region.

    Parameters
    ----------
    levels
        Grey level of each rank, (K + 1); of rank 0 zero.
    offsets
        To all neighbours, (W).
    coarseness
        Greatest difference of dependent levels.

    Returns
    -------
    Sums of |level * neighbours - sum of the neighbours' levels|, and numbers of voxels, both by rank and number of
    neighbours (K + 1, W + 1); numbers of voxels by rank and dependence (K + 1, W + 2), where a voxel depends on itself.
    """
    differences = np.zeros((levels.size, offsets.size + 1), np.int64)
    voxels = np.zeros((levels.size, offsets.size + 1), np.int64)
    dependences = np.zeros((levels.size, offsets.size + 2), np.int64)
    for here in range(first, last):
        rank = ranks[here]
        if rank:
            level, total, neighbours, dependent = levels[rank], 0, 0, 1
            for offset in offsets:
                other = ranks[here + offset]
                if other:
                    total += levels[other]
                    neighbours += 1
                    dependent += abs(levels[other] - level) <= coarseness
            differences[rank, neighbours] += abs(level * neighbours - total)
            voxels[rank, neighbours] += 1
            dependences[rank, dependent] += 1
    return differences, voxels, dependences


@compiled
def border_distances(inside: npt.NDArray[np.bool_], within_slice: bool) -> Distances:
    """City-block distance of every voxel to the nearest one outside; 1 at the border, 0 outside.

    Parameters
    ----------
    inside
        Mask (z, y, x) with a border of one voxel outside on every side.
    within_slice
        Whether to stay in the slice.
    """
    slices, rows, columns = inside.shape
    far = slices + rows + columns
    distances = np.zeros(inside.shape, np.int32)
    for z in range(1, slices - 1):
        for y in range(1, rows - 1):
            for x in range(1, columns - 1):
                if inside[z, y, x]:
                    above = far if within_slice else distances[z - 1, y, x]
                    distances[z, y, x] = 1 + min(above, distances[z, y - 1, x], distances[z, y, x - 1])
    for z in range(slices - 2, 0, -1):
        for y in range(rows - 2, 0, -1):
            for x in range(columns - 2, 0, -1):
                if inside[z, y, x]:
                    below = far if within_slice else distances[z + 1, y, x]
                    nearest = 1 + min(below, distances[z, y + 1, x], distances[z, y, x + 1])
                    distances[z, y, x] = min(distances[z, y, x], nearest)
    return distances
