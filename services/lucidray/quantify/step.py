"""The step `quantify`: radiomic features of every target region in every image that the preset names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lucidray.contracts.catalogue import FEATURES, REGIONS, STEPS, VOLUME
from lucidray.contracts.images import Regions, Volume
from lucidray.contracts.parameters import QuantifyParameters
from lucidray.contracts.results import Feature, Features
from lucidray.core.case import quality_flag
from lucidray.core.errors import NoCompatibleWorker, Permanent
from lucidray.quantify.engine import compute, software
from lucidray.quantify.hybrid.measure import measure_hybrid
from lucidray.quantify.hybrid.spec import Hybrid
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.preset import Preset, load_preset
from lucidray.quantify.region import EMPTY, OUTSIDE, VANISHED, Region, absence, prepare
from lucidray.quantify.settings import QuantifySettings
from lucidray.quantify.values import Undefined
from lucidray.quantify.warm import warm_up
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Step, StepResult
from lucidray.serving.bundle import Bundle, BundleShelf
from lucidray.v1.case_pb2 import QualityFlag

# Below it, texture says more about the voxel grid than about the lesion.
FEW_VOXELS = 64
_FLAGS = {EMPTY: "region-empty", OUTSIDE: "region-outside-image", VANISHED: "region-vanished"}


@dataclass(frozen=True)
class Measured:
    """The features of one region in one image, with what there is to remark."""

    features: list[Feature]
    remarks: list[QualityFlag]


class Quantify(Step[QuantifyParameters]):
    """Volumes and regions in, features out."""

    spec = STEPS["quantify"]
    parameters = QuantifyParameters

    def __init__(self, settings: QuantifySettings) -> None:
        self._settings = settings

    def pinned(self, parameters: QuantifyParameters) -> QuantifyParameters:
        """With the preset's digest: a file that was changed under its old name asks for other features."""
        if parameters.preset_digest:
            return parameters
        digest = load_preset(parameters.preset, self._settings.preset_folders).digest
        return parameters.model_copy(update={"preset_digest": digest})

    def run(self, case: CaseFacts, inputs: Inputs, parameters: QuantifyParameters) -> StepResult:
        """Measure the target regions.

        Raises
        ------
        Permanent
            The preset does not exist, or none of the case's images is one that it measures.
        NoCompatibleWorker
            The preset is not the one that the workflow was pinned to.
        """
        preset = load_preset(parameters.preset, self._settings.preset_folders)
        if parameters.preset_digest not in ("", preset.digest):
            raise NoCompatibleWorker(
                f"feature preset '{preset.name}'",
                f"its digest is {preset.digest[:12]}, the workflow wants {parameters.preset_digest[:12]}",
                "give this worker the preset that the case was opened with",
            )
        regions = inputs.read(REGIONS)
        volumes, remarks = usable_volumes(preset, inputs)
        bundles = pinned_bundles(preset, case)
        images = {role: inputs.read(VOLUME, role) for role in inputs.roles(VOLUME)} if bundles else {}
        measured = [
            *measure(preset, volumes, regions, self._settings.threads),
            *embed_regions(preset, bundles, images, regions),
        ]
        features = [feature for each in measured for feature in each.features]
        remarks += [remark for each in measured for remark in each.remarks]
        result = Features(
            preset=preset.name,
            preset_digest=preset.digest,
            software=software(),
            features=features,
            bundles={name: bundle.digest for name, bundle in bundles.items()},
        )
        summary = {
            "preset": preset.name,
            "regions": str(len({feature.segment for feature in features})),
            "features": str(len(features)),
            "undefined": str(sum(feature.value is None for feature in features)),
        }
        return StepResult([Artifact(FEATURES, result)], remarks, summary)


def build() -> Step[QuantifyParameters]:
    """The step with this service's settings, its loops compiled."""
    warm_up()
    return Quantify(QuantifySettings.load())


def usable_volumes(preset: Preset, inputs: Inputs) -> tuple[dict[str, Volume], list[QualityFlag]]:
    """The volumes that the preset measures, by role, and a remark for each that it cannot.

    Raises
    ------
    Permanent
        There is no usable one.
    """
    volumes: dict[str, Volume] = {}
    remarks = []
    for role in dict.fromkeys(each.role for each in preset.measurements):
        wanted = next(each for each in preset.measurements if each.role == role)
        volume = inputs.find(VOLUME, role)
        problem = "the case has no such image" if volume is None else _mismatch(volume, wanted)
        if volume is not None and not problem:
            volumes[role] = volume
        else:
            text = f"preset '{preset.name}' could not measure {role}: {problem}"
            remarks.append(quality_flag("quantify", "image-not-measured", text))
    if not volumes:
        raise Permanent(
            f"feature preset '{preset.name}'",
            "; ".join(remark.message for remark in remarks),
            "choose a preset for the images of this workflow",
        )
    return volumes, remarks


def pinned_bundles(preset: Preset, case: CaseFacts) -> dict[str, Bundle]:
    """The bundles whose networks the preset wants, by name, in the versions that the case was opened with.

    Raises
    ------
    Permanent
        The workflow pins none of that name for this step.
    """
    missing = [each.bundle for each in preset.deep if each.bundle not in case.bundles]
    if missing:
        raise Permanent(
            f"feature preset '{preset.name}'",
            f"it wants the bundle '{missing[0]}', which is not pinned for the step 'quantify'",
            "list it under `bundles` of that step in the workflow and open the case anew",
        )
    return {each.bundle: BundleShelf().find(each.bundle, case.bundles[each.bundle]) for each in preset.deep}


def embed_regions(
    preset: Preset, bundles: Mapping[str, Bundle], volumes: Mapping[str, Volume], regions: Regions
) -> Iterator[Measured]:
    """The deep features of every target segment, network by network."""
    for wanted in preset.deep:
        from lucidray.quantify.deep import deep_features  # the engine is not loaded where no preset wants it

        bundle = bundles[wanted.bundle]
        for segment in regions.facts.segments:
            if segment.target:
                mask = regions.mask(segment.number)
                features = deep_features(wanted, bundle, volumes, mask, regions.facts.grid, segment.number)
                yield Measured(features, list(_undefined(features, f"segment {segment.number} by {bundle.name}")))


def measure(preset: Preset, volumes: dict[str, Volume], regions: Regions, threads: int = 1) -> Iterator[Measured]:
    """The features of every target segment in every volume, segment by segment."""
    for segment in regions.facts.segments:
        if not segment.target:
            continue
        mask = regions.mask(segment.number)
        for measurement in preset.measurements:
            if measurement.role in volumes:
                volume, grid = volumes[measurement.role], regions.facts.grid
                region = prepare(volume, mask, grid, measurement)
                absent = OUTSIDE if region else absence(volume.grid, mask, grid)
                yield _measured(region, measurement, segment.number, absent, threads)
        for hybrid in preset.hybrids:
            if set(hybrid.roles) <= set(volumes):
                yield _measured_hybrid(hybrid, volumes, regions, segment.number)


def _measured(
    region: Region | None, measurement: Measurement, segment: int, absent: Undefined, threads: int
) -> Measured:
    where = f"segment {segment} in {measurement.role}"
    if region is None:
        flag = quality_flag("quantify", _FLAGS[absent], f"{where}: {absent.reason}")
        return Measured(compute(None, measurement, segment, absent), [flag])
    features = compute(region, measurement, segment, threads=threads)
    return Measured(features, list(_remarks(region, features, where)))


def _measured_hybrid(hybrid: Hybrid, volumes: dict[str, Volume], regions: Regions, segment: int) -> Measured:
    found = measure_hybrid(hybrid, volumes, regions.mask(segment), regions.facts.grid, segment)
    where = f"segment {segment} in {hybrid.role}"
    flags = list(_undefined(found.features, where))
    if found.uncovered:
        text = f"{where}: {found.uncovered:.0%} of the region's voxels are left out, for one image does not cover them"
        flags.append(quality_flag("quantify", "region-cut", text))
    return Measured(found.features, flags)


def _remarks(region: Region, features: Iterable[Feature], where: str) -> Iterator[QualityFlag]:
    if region.cut:
        yield quality_flag("quantify", "region-cut", f"{where}: the region reaches out of the image")
    lost = int((region.mask & ~np.isfinite(region.voxels)).sum())
    if lost:
        text = f"{where}: {lost} of {int(region.mask.sum())} voxels are no numbers and do not count"
        yield quality_flag("quantify", "region-no-number", text)
    if region.size < FEW_VOXELS:
        text = f"{where}: {region.size} voxels at {_millimetres(region)} mm; texture and shape are unreliable"
        yield quality_flag("quantify", "region-small", text)
    yield from _undefined(features, where)


def _undefined(features: Iterable[Feature], where: str) -> Iterator[QualityFlag]:
    missing = [feature.name for feature in features if feature.value is None]
    if missing:
        named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")  # noqa: PLR2004
        yield quality_flag("quantify", "features-undefined", f"{where}: undefined for this region: {named}")


def _millimetres(region: Region) -> str:
    return " x ".join(f"{step:.3g}" for step in region.spacing)


def _mismatch(volume: Volume, wanted: Measurement) -> str:
    facts = volume.facts
    if facts.modality != wanted.modality:
        return f"its modality is {facts.modality}, not {wanted.modality}"
    if facts.unit != wanted.unit:
        return f"its unit is {facts.unit}, not {wanted.unit}"
    return ""
