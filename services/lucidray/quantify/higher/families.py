"""Who measures which family."""

from collections.abc import Callable, Mapping

from lucidray.quantify.higher import binary_pattern, fractal, gradient, minkowski, power_spectrum
from lucidray.quantify.higher.definitions import HigherFamily
from lucidray.quantify.region import Region
from lucidray.quantify.values import Values

HIGHER: Mapping[HigherFamily, Callable[[Region, frozenset[str]], Values]] = {
    "local_binary_pattern": binary_pattern.measure,
    "gradient": gradient.measure,
    "fractal": fractal.measure,
    "minkowski": minkowski.measure,
    "power_spectrum": power_spectrum.measure,
}
