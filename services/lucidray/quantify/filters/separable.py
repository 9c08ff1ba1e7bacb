"""Kernels that are products of one-dimensional ones, and their right-angle rotations.

A rotation by right angles permutes the axes and reverses some of them: of the 2^D reversals, a permutation goes with
the half that makes a proper rotation (4 rotations in two dimensions, 24 in three). Convolution is linear, and shares
what is common: an average over all rotations needs 7 to 24 one-dimensional convolutions instead of 72.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import permutations, product
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lucidray.quantify.filters.boundary import SCIPY_MODES, Boundary, Image

Kernel = npt.NDArray[np.float64]
Kernels = tuple[Kernel, ...]  # one for each of the last axes of an image: (z, y, x) or (y, x)
Key = tuple[bytes, ...]  # the same, hashable
Terms = Mapping[Key, int]
Signs = dict[Key, set[int]]


def centred(kernel: Sequence[float]) -> Kernel:
    """The kernel with an odd number of samples, so that it has a middle: a zero follows an even one."""
    return np.array([*kernel, 0.0] if len(kernel) % 2 == 0 else kernel, np.float64)


def convolve(image: Image, kernels: Kernels, boundary: Boundary) -> Image:
    """Convolution with the product of the kernels, one for each of the last axes."""
    return _sum(image, {_key(kernels): 1}, boundary, {})


def maximum(image: Image, kernels: Kernels, boundary: Boundary) -> Image:
    """The greatest response, voxel by voxel, among all right-angle rotations of the product of the kernels."""
    responses = _leaves(image, _distinct(kernels), boundary)
    return reduce(np.maximum, (np.abs(each) if len(signs) > 1 else each * min(signs) for each, signs in responses))


def mean(image: Image, kernels: Kernels, boundary: Boundary) -> Image:
    """The average response over all right-angle rotations of the product of the kernels.

    With s = k + reversed k and d = k - reversed k, the sum over those reversals of a product of kernels that go with
    an even permutation is (product of s + product of d) / 2, and with an odd one the difference.
    """
    even = permuted(image, tuple(kernel + kernel[::-1] for kernel in kernels), boundary)
    odd = permuted(image, tuple(kernel - kernel[::-1] for kernel in kernels), boundary, alternating=True)
    average: Image = (even + odd) / (factorial(len(kernels)) * 2 ** len(kernels))
    return average


def permuted(image: Image, kernels: Kernels, boundary: Boundary, *, alternating: bool = False) -> Image:
    """The sum of the responses over all orders of the kernels; `alternating`: odd orders count negative."""
    terms: Counter[Key] = Counter()
    for order in permutations(range(len(kernels))):
        terms[_key(kernels[each] for each in order)] += _parity(order) if alternating else 1
    return _sum(image, {key: weight for key, weight in terms.items() if weight}, boundary, {})


def _sum(image: Image, terms: Terms, boundary: Boundary, known: dict[frozenset[tuple[Key, int]], Image]) -> Image:
    """The sum of weighted products; what begins alike is taken out, and each sum of remainders is built once."""
    if () in terms:
        return image if terms[()] == 1 else image * terms[()]
    key = frozenset(terms.items())
    if key not in known:
        known[key] = np.zeros_like(image)
        for first, rest in _by_first(terms):
            known[key] += _along(_sum(image, rest, boundary, known), first, boundary, axis=_axis(rest))
    return known[key]


def _leaves(image: Image, variants: Signs, boundary: Boundary) -> Iterator[tuple[Image, set[int]]]:
    """Responses to all variants with their signs; what begins alike is computed once."""
    if () in variants:
        yield image, variants[()]
        return
    for first, rest in _by_first(variants):
        yield from _leaves(_along(image, first, boundary, axis=_axis(rest)), rest, boundary)


def _by_first(products: Mapping[Key, Any]) -> Iterator[tuple[bytes, dict[Key, Any]]]:
    for first in dict.fromkeys(key[0] for key in products):
        yield first, {key[1:]: value for key, value in products.items() if key[0] == first}


def _axis(rest: Mapping[Key, Any]) -> int:
    return -1 - len(next(iter(rest)))


def _key(kernels: Iterable[Kernel]) -> Key:
    return tuple(kernel.tobytes() for kernel in kernels)


def _distinct(kernels: Kernels) -> Signs:
    """The different rotations, each with the signs it comes with: reversing an odd kernel only changes the sign."""
    found: Signs = {}
    for rotated in _rotations(kernels):
        flips = [_odd(kernel) and kernel[np.flatnonzero(kernel)[0]] < 0 for kernel in rotated]
        # + 0.0 turns negative zeros into zeros, so that equal kernels have equal bytes
        upright = (-kernel + 0.0 if flip else kernel for kernel, flip in zip(rotated, flips, strict=True))
        found.setdefault(_key(upright), set()).add(-1 if sum(flips) % 2 else 1)
    return found


def _odd(kernel: Kernel) -> bool:
    return bool(np.array_equal(kernel, -kernel[::-1]) and kernel.any())


def _rotations(kernels: Kernels) -> Iterator[Kernels]:
    for order in permutations(range(len(kernels))):
        for reverses in product((1, -1), repeat=len(kernels)):
            if np.prod(reverses) == _parity(order):
                yield tuple(kernels[each][::reverse] for each, reverse in zip(order, reverses, strict=True))


def _parity(order: tuple[int, ...]) -> int:
    swaps = sum(order[i] > order[j] for i in range(len(order)) for j in range(i + 1, len(order)))
    return -1 if swaps % 2 else 1


def _along(image: Image, kernel: bytes, boundary: Boundary, *, axis: int) -> Image:
    result: Image = ndimage.convolve1d(image, np.frombuffer(kernel), axis, mode=SCIPY_MODES[boundary])
    return result
