"""The deletion check: does the explanation name what the network uses?

After Petsiuk et al. 2018 (RISE) and Samek et al. 2017 (pixel flipping), on inputs instead of pixels: set one
input after the other to the training mean and watch the output of the network, never that of the explanation.
"""

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from lucidray.contracts.results import DeletionCheck

Floats = npt.NDArray[np.float64]
Order = tuple[int, ...]

ROUNDING = 1e-5  # of an area: outputs are float32
_SEED = 0  # equal inputs give equal results


def check_deletion(
    output: Callable[[Floats], Floats], values: Floats, mean: Floats, parts: Floats, random_orders: int
) -> DeletionCheck:
    """Compare the explained order with random ones.

    Parameters
    ----------
    output
        From inputs (cases, inputs) to the network's probability (cases,).
    values, mean
        Inputs of the case and of the training mean (inputs,).
    parts
        What the explanation says that each input adds to the logit (inputs,).
    random_orders
        Orders to compare with; all of them, if there are no more.

    Returns
    -------
    Areas under the probability of the side that the case is on (the event where its logit lies above that
    of the training mean, else its absence) against the share of inputs removed. The explained order removes first
    what supports that side most. Passed if its area is not above the mean of the others.
    """
    side = 1.0 if float(parts.sum()) >= 0 else -1.0
    explained: Order = tuple(int(index) for index in np.argsort(-side * parts, kind="stable"))
    orders = list(_orders(len(values), random_orders))
    paths = np.concatenate([_path(values, mean, order) for order in (explained, *orders)])
    probabilities = output(paths).reshape(len(orders) + 1, -1)
    supported = probabilities if side > 0 else 1 - probabilities
    areas = np.asarray(np.trapezoid(supported, dx=1 / len(values), axis=1))
    explained_area, random_area = float(areas[0]), float(areas[1:].mean())
    return DeletionCheck(
        explained_area=explained_area,
        random_area=random_area,
        passed=explained_area <= random_area + ROUNDING,
    )


def _path(values: Floats, mean: Floats, order: Order) -> Floats:
    """The inputs after 0, 1, ... removals (inputs + 1, inputs)."""
    path = np.repeat(values[None, :], len(order) + 1, axis=0)
    for step, index in enumerate(order, 1):
        path[step:, index] = mean[index]
    return path


def _orders(count: int, limit: int) -> Iterator[Order]:
    if math.factorial(count) <= limit:
        yield from itertools.permutations(range(count))
        return
    rng = np.random.default_rng(_SEED)
    for _ in range(limit):
        yield tuple(int(index) for index in rng.permutation(count))
