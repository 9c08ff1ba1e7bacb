"""The features of one prepared region: every family that a measurement names, in the image and its response maps."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from lucidray.contracts.results import Feature
from lucidray.quantify.catalogue import features
from lucidray.quantify.families import FAMILIES, TOGETHER
from lucidray.quantify.filters import FilterSpec, response, support
from lucidray.quantify.ibsi import DISCRETISED, FAMILY_CODES, Definition, aggregation_code
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import MARGIN, OUTSIDE, Region
from lucidray.quantify.sample import Sample
from lucidray.quantify.values import Undefined, Value, Values, finite
from lucidray.quantify.voxel_number import normalised

_EMPTY = Undefined("after re-segmentation no voxel of the region has an intensity")
_BLIND = Undefined("the filter has no response in the region: within its reach the image has voxels that are no number")

Wanted = Mapping[str, Mapping[str, Definition]]  # definitions by family and abbreviation
Aggregated = Mapping[str, Values]  # by the code of the aggregation
Task = Callable[[Sequence[str]], dict[str, Aggregated]]
Share = Callable[[Task, Iterable[Sequence[str]]], Iterable[dict[str, Aggregated]]]  # shares tasks out among threads


def software() -> str:
    """What computes, and its version."""
    return f"lucidray {version('lucidray')}"


def compute(
    region: Region | None, measurement: Measurement, segment: int, absent: Undefined = OUTSIDE, threads: int = 1
) -> list[Feature]:
    """Measure a region.

    Parameters
    ----------
    region
        Voxels and masks (z, y, x) on the grid of the measurement; None if nothing of it lies in the image.
    segment
        Number of the segment, for the result.
    absent
        Why there is no region, if there is none.
    threads
        Among which families are shared out, each of them whole: their number changes no bit of a value.

    Returns
    -------
    The features of the measurement's families in the order of the IBSI manual, first of the image, then of each
    response map; the value is None, with a reason, where a feature is undefined.
    """
    found: list[Feature] = []
    filters: Sequence[FilterSpec | None] = (None, *measurement.filters)
    with ThreadPoolExecutor(threads) as pool:
        share: Share = map if threads == 1 else pool.map
        for spec in filters:
            families = measurement.families if spec is None else measurement.filter_families
            sample = None if region is None else _sample(region, measurement, spec)
            wanted = _wanted(measurement, families)
            values = _measured(sample, wanted, measurement, share) if sample else _absent(wanted, measurement, absent)
            for family, definitions in wanted.items():
                described = list(_Description(measurement, spec, segment).features(definitions, values[family]))
                found += described
                if measurement.voxel_number_normalised:
                    found += normalised(described, sample.region.size if sample else 0)
    return found


def _measured(sample: Sample, wanted: Wanted, measurement: Measurement, share: Share) -> Mapping[str, Aggregated]:
    """By family, then by aggregation; what families have in common is made in one task."""

    def task(group: Sequence[str]) -> dict[str, Aggregated]:
        return {
            family: {
                aggregation_code(family, each): _values(sample, family, frozenset(wanted[family]), each)
                for each in measurement.aggregations_of(family)
            }
            for family in group
        }

    groups = [[family for family in group if family in wanted] for group in TOGETHER]
    alone = [[family] for family in wanted if not any(family in group for group in groups)]
    return {family: values for done in share(task, [*groups, *alone]) for family, values in done.items()}


def _absent(wanted: Wanted, measurement: Measurement, reason: Undefined) -> Mapping[str, Aggregated]:
    return {
        family: {
            aggregation_code(family, each): dict.fromkeys(definitions, reason)
            for each in measurement.aggregations_of(family)
        }
        for family, definitions in wanted.items()
    }


def _sample(region: Region, measurement: Measurement, spec: FilterSpec | None) -> Sample:
    """The region with as much around it as matters: it may come with the whole image, for the sake of one filter."""
    if spec is None:
        near = region.around(math.ceil(MARGIN / min(region.spacing)))
        return Sample(near, measurement, measurement.discretisation)
    reach = support(region.spacing, spec)
    near = region if reach is None else region.around(reach)
    voxels = response(near.voxels, near.spacing, spec)
    filtered = replace(near, voxels=voxels, intensity_mask=near.intensity_mask & np.isfinite(voxels))
    return Sample(filtered, measurement, measurement.filter_discretisation, spec.label)


def _wanted(measurement: Measurement, families: Sequence[str]) -> Wanted:
    """By family, in the order of the manual, then by abbreviation."""
    wanted: dict[str, dict[str, Definition]] = {}
    for name, definition in features().items():
        if definition.family in families and definition.name not in measurement.without:
            wanted.setdefault(definition.family, {})[name] = definition
    return wanted


def _values(sample: Sample, family: str, wanted: frozenset[str], aggregation: str) -> Values:
    if not sample.region.size and family in FAMILY_CODES and family != "morphology":
        blind = bool(sample.filter) and bool(np.isnan(sample.region.voxels[sample.region.mask]).any())
        return dict.fromkeys(wanted, _BLIND if blind else _EMPTY)
    return FAMILIES[family](sample, wanted, aggregation)


class _Description:
    """From values to features."""

    def __init__(self, measurement: Measurement, spec: FilterSpec | None, segment: int) -> None:
        self._measurement, self._spec, self._segment = measurement, spec, segment

    def features(self, wanted: Mapping[str, Definition], values: Mapping[str, Values]) -> Iterator[Feature]:
        """Feature by feature; of each, every aggregation."""
        for name, definition in wanted.items():
            for aggregation, found in values.items():
                yield self._feature(definition, aggregation, finite(found[name]))

    def _feature(self, definition: Definition, aggregation: str, value: Value) -> Feature:
        return Feature(
            name=definition.name,
            ibsi_code=definition.code,
            family=definition.family,
            family_code=FAMILY_CODES.get(definition.family, ""),
            aggregation=aggregation,
            discretisation=self._discretisation(definition.family),
            filter=self._spec.label if self._spec else "",
            value=None if isinstance(value, Undefined) else value,
            reason=value.reason if isinstance(value, Undefined) else "",
            unit=self._unit_of(definition),
            image_role=self._measurement.role,
            segment=self._segment,
        )

    def _unit_of(self, definition: Definition) -> str:
        bins = self._measurement.volume_histogram.method == "fixed_bin_number"
        numbered = definition.family == "intensity_volume_histogram" and bins  # then its intensities are bin numbers
        return "1" if numbered else definition.unit(self._unit)

    @property
    def _unit(self) -> str:
        """A response map has no unit of its own."""
        return self._measurement.unit if self._spec is None else "1"

    def _discretisation(self, family: str) -> str:
        measurement = self._measurement
        used: Discretisation | None = measurement.filter_discretisation if self._spec else measurement.discretisation
        return used.describe(self._unit) if used and family in DISCRETISED else ""
