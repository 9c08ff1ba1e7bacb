"""Who measures which family: the plug points of the engine."""

from collections.abc import Callable, Mapping

from lucidray.quantify import local_intensity, mirp_adapter, morphology
from lucidray.quantify.ibsi import TEXTURE
from lucidray.quantify.sample import Sample
from lucidray.quantify.values import Values

# Measures the wanted features (abbreviations) of one family; the last argument says how matrices are aggregated.
Measure = Callable[[Sample, frozenset[str], str], Values]


def _morphology(sample: Sample, wanted: frozenset[str], _: str) -> Values:
    return morphology.morphology(sample.region, wanted)


def _local_intensity(sample: Sample, wanted: frozenset[str], _: str) -> Values:
    return local_intensity.local_intensity(sample.region, wanted)


FAMILIES: Mapping[str, Measure] = {
    "morphology": _morphology,
    "local_intensity": _local_intensity,
    **dict.fromkeys(
        ("intensity_statistics", "intensity_histogram", "intensity_volume_histogram", *TEXTURE), mirp_adapter.measure
    ),
}
