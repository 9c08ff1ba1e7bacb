"""Who measures which family: the plug points of the engine."""

from collections.abc import Callable, Mapping, Sequence

from lucidray.quantify import intensity
from lucidray.quantify.grey import GreyLevels
from lucidray.quantify.higher.families import HIGHER
from lucidray.quantify.local_intensity import local_intensity
from lucidray.quantify.morphology import morphology
from lucidray.quantify.processing import Norm
from lucidray.quantify.region import Region
from lucidray.quantify.sample import Sample
from lucidray.quantify.texture import cooccurrence, neighbourhood, run_length, zone
from lucidray.quantify.texture.directions import neighbours
from lucidray.quantify.texture.likeness import Likeness, likeness
from lucidray.quantify.texture.neighbourhood import Neighbourhoods
from lucidray.quantify.values import Undefined, Values

# Measures one family: at least the wanted features, by abbreviation. The last argument says how matrices are brought
# together, e.g. '3D:mrg'. The sample has at least one voxel in its intensity mask, but for morphology.
Measure = Callable[[Sample, frozenset[str], str], Values]


def _morphology(sample: Sample, wanted: frozenset[str], _: str) -> Values:
    return morphology(sample.region, wanted)


def _local_intensity(sample: Sample, wanted: frozenset[str], _: str) -> Values:
    return local_intensity(sample.region, wanted)


def _statistics(sample: Sample, _wanted: frozenset[str], _: str) -> Values:
    return intensity.statistics(sample.intensities)


def _histogram(sample: Sample, wanted: frozenset[str], _: str) -> Values:
    levels = sample.histogram
    return dict.fromkeys(wanted, levels) if isinstance(levels, Undefined) else intensity.histogram(levels)


def _volume_histogram(sample: Sample, _wanted: frozenset[str], _: str) -> Values:
    return intensity.volume_histogram(sample.intensities, sample.measurement.volume_histogram, sample.limits)


def _cooccurrence(sample: Sample, grey: GreyLevels, dimension: str, aggregation: str) -> Values:
    flat = dimension != "3D"
    return cooccurrence.directional(grey, sample.measurement.glcm, within_slice=flat).aggregated(grey, aggregation)


def _run_length(sample: Sample, grey: GreyLevels, dimension: str, aggregation: str) -> Values:
    flat, parameters = dimension != "3D", sample.measurement.glrlm
    alike = _alike(sample, grey, flat)
    return run_length.directional(grey, alike, parameters, within_slice=flat).aggregated(grey, aggregation)


def _zone_sizes(sample: Sample, grey: GreyLevels, dimension: str, _: str) -> Values:
    return zone.aggregated(_zones(sample, grey, dimension), grey.levels, zone.sizes, dimension)


def _zone_distances(sample: Sample, grey: GreyLevels, dimension: str, _: str) -> Values:
    return zone.aggregated(_zones(sample, grey, dimension), grey.levels, zone.distances, dimension)


def _zones(sample: Sample, grey: GreyLevels, dimension: str) -> list[zone.Zones]:
    flat = dimension != "3D"
    alike = _alike(sample, grey, flat)
    return sample.once(f"zones {flat}", lambda: zone.find_zones(grey, alike, within_slice=flat))


def _alike(sample: Sample, grey: GreyLevels, flat: bool) -> Likeness:
    return sample.once(f"alike {flat}", lambda: likeness(grey, within_slice=flat))


def _tone_differences(sample: Sample, grey: GreyLevels, dimension: str, _: str) -> Values:
    """With the dependences' neighbourhoods where they are the same: the coarseness is of no concern here."""
    tone, dependence = sample.measurement.ngtdm, sample.measurement.ngldm
    same = (tone.distance, tone.norm) == (dependence.distance, dependence.norm)
    found = _neighbourhoods(sample, grey, dimension, (tone.distance, tone.norm, dependence.coarseness if same else 0))
    return neighbourhood.aggregated(found, grey.levels, neighbourhood.tone_differences, dimension)


def _dependences(sample: Sample, grey: GreyLevels, dimension: str, _: str) -> Values:
    wanted = sample.measurement.ngldm
    found = _neighbourhoods(sample, grey, dimension, (wanted.distance, wanted.norm, wanted.coarseness))
    return neighbourhood.aggregated(found, grey.levels, neighbourhood.dependences, dimension)


def _neighbourhoods(
    sample: Sample, grey: GreyLevels, dimension: str, wanted: tuple[int, Norm, int]
) -> list[Neighbourhoods]:
    flat, (distance, norm, coarseness) = dimension != "3D", wanted
    vectors = neighbours(distance, norm, flat)
    return sample.once(
        f"neighbourhoods {flat} {wanted}",
        lambda: neighbourhood.find_neighbourhoods(grey, vectors, coarseness, within_slice=flat),
    )


def _of_grey_levels(measure: Callable[[Sample, GreyLevels, str, str], Values]) -> Measure:
    """A family that needs grey levels in their places."""

    def measured(sample: Sample, wanted: frozenset[str], aggregation: str) -> Values:
        grey = sample.grey
        if isinstance(grey, Undefined):
            return dict.fromkeys(wanted, grey)
        return measure(sample, grey, aggregation.split(":")[0], aggregation)

    return measured


def _beyond_the_standard(measure: Callable[[Region, frozenset[str]], Values]) -> Measure:
    return lambda sample, wanted, _: measure(sample.region, wanted)


FAMILIES: Mapping[str, Measure] = {
    "morphology": _morphology,
    "local_intensity": _local_intensity,
    "intensity_statistics": _statistics,
    "intensity_histogram": _histogram,
    "intensity_volume_histogram": _volume_histogram,
    "glcm": _of_grey_levels(_cooccurrence),
    "glrlm": _of_grey_levels(_run_length),
    "glszm": _of_grey_levels(_zone_sizes),
    "gldzm": _of_grey_levels(_zone_distances),
    "ngtdm": _of_grey_levels(_tone_differences),
    "ngldm": _of_grey_levels(_dependences),
    **{family: _beyond_the_standard(measure) for family, measure in HIGHER.items()},
}

# Families that share what a sample makes, those that take longest first.
TOGETHER: Sequence[Sequence[str]] = (
    ("morphology",),
    ("glszm", "gldzm"),
    ("ngtdm", "ngldm"),
    ("intensity_statistics", "intensity_histogram", "intensity_volume_histogram"),
)
