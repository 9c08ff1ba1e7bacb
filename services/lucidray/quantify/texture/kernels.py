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
Bits = npt.NDArray[np.uint16]
Levels = npt.NDArray[np.int32] | npt.NDArray[np.int64]

_BLOCK = 4096  # elements that one instruction after the other goes over: a few arrays of them stay in the nearest cache
_STRETCH = 512  # voxels of the region in a row that are gone over so
_PLACES = np.zeros(2**12 + 1, np.int64)  # of the only bit that is set in a number, of 13
_PLACES[2 ** np.arange(13)] = np.arange(13)


@compiled
def cooccurrences(ranks: Ranks, first: int, last: int, offsets: Integers, counts: Integers) -> None:
    """Count pairs of voxels `offsets[d]` apart into `counts[d, rank, other rank]`, (D, K + 1, K + 1)."""
    for here in range(first, last):
        rank = ranks[here]
        if rank:
            for direction in range(offsets.size):
                counts[direction, rank, ranks[here + offsets[direction]]] += 1


@compiled
def alike(ranks: Ranks, offsets: Integers) -> Bits:
    """Of each element, as bit d, whether the one `offsets[d]` before it has the same rank; also outside the region."""
    bits, farthest = np.zeros(ranks.size, np.uint16), 0
    for offset in offsets:
        farthest = max(farthest, offset)
    for start in range(farthest, ranks.size, _BLOCK):
        stop = min(start + _BLOCK, ranks.size)
        here, found = ranks[start:stop], bits[start:stop]
        for direction in range(offsets.size):
            before, bit = ranks[start - offsets[direction] : stop - offsets[direction]], np.uint16(1 << direction)
            for place in range(found.size):
                found[place] |= bit if here[place] == before[place] else np.uint16(0)
    return bits


@compiled
def runs(ranks: Ranks, bits: Bits, first: int, last: int, offsets: Integers, skipped: int, counts: Integers) -> None:
    """Count runs along `offsets[skipped + d]` into `counts[d, rank, length]`, (D, K + 1, longest + 1).

    Parameters
    ----------
    bits
        Of `alike` for the `offsets`.

    Notes
    -----
    Only runs of two voxels or more are followed, back from their ends; all other voxels are runs of their own.
    """
    voxels = np.zeros(counts.shape[1], np.int64)
    ends = np.empty(_BLOCK, np.uint16)
    for start in range(first, last, _BLOCK):
        size = min(_BLOCK, last - start)
        ends[:size] = 0
        for direction in range(skipped, skipped + counts.shape[0]):
            offset, bit = offsets[direction], np.uint16(1 << direction)
            here, after = bits[start : start + size], bits[start + offset : start + offset + size]
            for place in range(size):
                ends[place] |= here[place] & bit & ~after[place]
        for place in range(size):
            rank = ranks[start + place]
            if rank:
                voxels[rank] += 1
                left = np.int64(ends[place])
                while left:
                    last_bit = left & -left
                    left ^= last_bit
                    direction = _PLACES[last_bit]
                    length = _length(bits, start + place, offsets[direction], last_bit)
                    counts[direction - skipped, rank, length] += 1
    for direction in range(counts.shape[0]):
        for rank in range(1, counts.shape[1]):
            longer = 0
            for length in range(2, counts.shape[2]):
                longer += length * counts[direction, rank, length]
            counts[direction, rank, 1] = voxels[rank] - longer


@compiled
def _length(bits: Bits, end: int, offset: int, bit: np.int64) -> int:
    """Of the run that ends at an element."""
    length = 1
    while bits[end] & bit:
        end -= offset
        length += 1
    return length


@compiled
def zones(
    ranks: Ranks, bits: Bits, telling: Bits, distances: Distances, first: int, last: int, offsets: Integers
) -> tuple[Integers, Integers, Integers]:
    """Rank, size and least distance of each zone of equal ranks.

    Parameters
    ----------
    bits, telling
        Of `alike` for the `offsets`, and which of them to look at.
    distances
        Of every voxel to the border of the region, flat as `ranks`.
    """
    roots, count = _roots(ranks, bits, telling, first, last, offsets)
    found, sizes, least = np.empty(count, np.int64), np.zeros(count, np.int64), np.empty(count, np.int64)
    numbers, known = np.empty(last - first, np.int32), 0
    for here in range(first, last):
        if ranks[here]:
            root = roots[here - first]  # a parent, hence earlier and in the same zone, if not the first voxel itself
            if root == here - first:
                numbers[root] = known
                found[known], least[known] = ranks[here], distances[here]
                known += 1
            number = numbers[root]
            numbers[here - first] = number
            sizes[number] += 1
            least[number] = min(least[number], distances[here])
    return found, sizes, least


@compiled
def _roots(ranks: Ranks, bits: Bits, telling: Bits, first: int, last: int, offsets: Integers) -> tuple[Distances, int]:
    """A voxel of each voxel's zone, never later than it, and the number of zones: union-find."""
    parents, count = np.empty(last - first, np.int32), 0
    for here in range(first, last):
        if ranks[here]:
            own = here - first
            root, left = own, np.int64(telling[bits[here]])
            count += left == 0
            while left:
                bit = left & -left
                left ^= bit
                other = parents[own - offsets[_PLACES[bit]]]
                while parents[other] != other:
                    parents[other] = parents[parents[other]]
                    other = parents[other]
                if root == own:
                    root = other
                elif root != other:
                    count -= 1
                    parents[max(root, other)] = min(root, other)
                    root = min(root, other)
            parents[own] = root
    return parents, count


@compiled
def neighbourhoods(
    ranks: Ranks, levels: Levels, first: int, last: int, offsets: Integers, coarseness: int, highest: int
) -> tuple[Integers, Integers, Integers]:
    """Grey tone differences and dependences of every voxel and its neighbours within the region.

    Parameters
    ----------
    levels
        Grey level of each element, 0 outside, of a type that holds the sum of as many as there are neighbours.
    offsets
        To all neighbours, (W).
    coarseness
        Greatest difference of dependent levels.
    highest
        Rank, K.

    Returns
    -------
    Sums of |level * neighbours - sum of the neighbours' levels|, and numbers of voxels, both by rank and number of
    neighbours (K + 1, W + 1); numbers of voxels by rank and dependence (K + 1, W + 2), where a voxel depends on itself.
    """
    differences = np.zeros((highest + 1, offsets.size + 1), np.int64)
    voxels = np.zeros((highest + 1, offsets.size + 1), np.int64)
    dependences = np.zeros((highest + 1, offsets.size + 2), np.int64)
    totals, neighbours = np.empty(_STRETCH, levels.dtype), np.empty(_STRETCH, levels.dtype)
    dependent = np.empty(_STRETCH, levels.dtype)
    start = first
    while start < last:
        if ranks[start] == 0:
            start += 1
            continue
        size = 1
        while size < _STRETCH and start + size < last and ranks[start + size]:
            size += 1
        totals[:size], neighbours[:size], dependent[:size] = 0, 0, 1
        here = levels[start : start + size]
        for offset in offsets:
            there = levels[start + offset : start + offset + size]
            for place in range(size):
                totals[place] += there[place]
                neighbours[place] += there[place] != 0
                dependent[place] += (there[place] != 0) & (abs(there[place] - here[place]) <= coarseness)
        for place in range(size):
            rank = ranks[start + place]
            differences[rank, neighbours[place]] += abs(np.int64(here[place]) * neighbours[place] - totals[place])
            voxels[rank, neighbours[place]] += 1
            dependences[rank, dependent[place]] += 1
        start += size
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
