"""The encode step: everything that was found out, as one SEG and one SR."""

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydicom import Dataset, dcmread

from lucidray.contracts.catalogue import (
    EXPLANATION,
    FEATURES,
    FORMER,
    PREDICTION,
    REGIONS,
    RESULTS,
    SERIES,
    STEPS,
    VOLUME,
)
from lucidray.contracts.images import Regions, Segment
from lucidray.contracts.parameters import EncodeParameters
from lucidray.contracts.results import Explanation, Features, Prediction
from lucidray.core.canonical import digest_bytes, digest_json
from lucidray.core.clock import Clock, SystemClock
from lucidray.core.errors import Permanent
from lucidray.core.logging import describe
from lucidray.encode.check import check_report, check_segmentation, measured_values
from lucidray.encode.findings import evaluations, prediction_group
from lucidray.encode.header import RESEARCH_USE_ONLY, Header
from lucidray.encode.measurements import MeasurementGroup, SegmentReference, region_groups
from lucidray.encode.report import write_report
from lucidray.encode.segmentation import write_segmentation
from lucidray.encode.settings import EncodeSettings
from lucidray.encode.source import SourceSeries, read_source
from lucidray.encode.uids import ResultUIDs
from lucidray.imaging.dicom import tolerant
from lucidray.runtime.step import Artifact, CaseFacts, Inputs, Step, StepResult


@dataclass(frozen=True)
class Results:
    """All that is encoded."""

    regions: Regions
    features: Features | None
    predictions: Sequence[tuple[Prediction, Explanation | None]]
    modalities: Mapping[str, str]  # of the images measured, by role
    former: Sequence[Dataset] = ()  # the report of the case that this one replaces

    @property
    def found(self) -> bool:
        """Whether there is a region at all."""
        return bool(self.regions.labels.any())

    def segment(self, number: int) -> Segment:
        """A segment by its number."""
        for segment in self.regions.facts.segments:
            if segment.number == number:
                return segment
        raise Permanent(
            "prediction",
            f"it is about segment {number}, which is not among the regions",
            "recompute it from segment on",
        )


class EncodeStep(Step[EncodeParameters]):
    """Writes the results of a case as DICOM.

    A function of its inputs but for the time printed on the objects, which comes from `clock`.
    """

    spec = STEPS["encode"]
    parameters = EncodeParameters

    def __init__(self, settings: EncodeSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def run(self, case: CaseFacts, inputs: Inputs, parameters: EncodeParameters) -> StepResult:
        """One artifact of role "SEG" (none if no region was found) and one of role "SR", each one object.

        Raises
        ------
        Permanent
            The inputs do not fit together, or what was written does not read back.
        """
        with tolerant():
            return self._encode(case, _gather(inputs), inputs, parameters)

    def _encode(self, case: CaseFacts, results: Results, inputs: Inputs, parameters: EncodeParameters) -> StepResult:
        role = results.regions.facts.source_role
        files = inputs.read(SERIES, role)
        source = read_source(files, inputs.read(VOLUME, role).facts)
        if not results.regions.facts.grid.same_space(source.facts.grid):
            raise Permanent("regions", f"they are not on the grid of '{role}'", "recompute them: the segment step")
        header = self._header(case, parameters, results, _digests(files, results, case, parameters))
        artifacts = []
        evidence = source.slices
        if results.found:
            with _library("SEG"):
                document = write_segmentation(results.regions, source, header)
                segmentation = _bytes(document)
            check_segmentation(segmentation, results.regions, source)
            artifacts.append(Artifact(RESULTS, [segmentation], "SEG"))
            evidence = [document]
        report = _report(case, results, source, evidence, header)
        artifacts.append(Artifact(RESULTS, [report], "SR"))
        segments = len(results.regions.facts.segments) if results.found else 0
        return StepResult(artifacts, summary={"segments": str(segments), "predictions": str(len(results.predictions))})

    def _header(
        self, case: CaseFacts, parameters: EncodeParameters, results: Results, digests: Mapping[str, str]
    ) -> Header:
        words = [f"{p.limitations} {p.intended_use}" for p, _ in results.predictions]
        said = any(RESEARCH_USE_ONLY.lower() in text.lower() for text in words)
        return Header(
            uids=ResultUIDs(case.case_id, case.generation, digests),
            created_at=self._clock.now().astimezone(),
            workflow=case.workflow,
            series_number=parameters.series_number,
            device_serial_number=self._settings.device_serial_number,
            research_use_only=parameters.research_use_only or said,
        )


def build() -> EncodeStep:
    """The step with this installation's settings."""
    return EncodeStep(EncodeSettings.load(), SystemClock())


def _gather(inputs: Inputs) -> Results:
    features = inputs.find(FEATURES)
    measured = sorted({feature.image_role for feature in features.features}) if features else []
    images = set(inputs.roles(VOLUME))
    return Results(
        regions=inputs.read(REGIONS),
        features=features,
        predictions=[
            (inputs.read(PREDICTION, role), inputs.find(EXPLANATION, role)) for role in inputs.roles(PREDICTION)
        ],
        modalities={role: inputs.read(VOLUME, role).facts.modality for role in measured if role in images},
        former=[dcmread(io.BytesIO(data)) for data in inputs.find(FORMER, "SR") or ()],
    )


def _digests(files: Sequence[bytes], results: Results, case: CaseFacts, parameters: EncodeParameters) -> dict[str, str]:
    """Digests of everything that the results say, by what it is."""
    regions, former = results.regions, [str(report.SOPInstanceUID) for report in results.former]
    return {
        **({"former": digest_json(former)} if former else {}),
        "series": digest_json(sorted(digest_bytes(data) for data in files)),
        "labels": digest_bytes(regions.labels.tobytes()),
        "regions": digest_bytes(regions.facts.model_dump_json().encode()),
        "features": digest_bytes(results.features.model_dump_json().encode()) if results.features else "",
        "predictions": digest_json(
            [
                [prediction.model_dump_json(), why.model_dump_json() if why else ""]
                for prediction, why in results.predictions
            ]
        ),
        "quality": digest_json([[flag.step, flag.code, flag.message, flag.severity] for flag in case.quality]),
        "parameters": digest_json(parameters.model_dump()),
        "algorithm": EncodeStep.spec.algorithm_version,
    }


def _report(
    case: CaseFacts, results: Results, source: SourceSeries, evidence: Sequence[Dataset], header: Header
) -> bytes:
    regions = results.regions
    groups: list[MeasurementGroup] = []
    with _library("SR"):
        if results.found:
            seg = evidence[0]
            reference = SegmentReference(seg.SOPClassUID, seg.SOPInstanceUID, source.series_instance_uid)
            groups += region_groups(regions, results.features, results.modalities, reference)
        groups += [prediction_group(p, why, results.segment(p.segment)) for p, why in results.predictions]
        values = measured_values(item for group in groups for item in group)
        remarks = evaluations(_conclusions(case, results, source, header), case.quality)
        data = _bytes(write_report(groups, remarks, evidence, source.facts.modality, header, results.former))
    segments = [segment.number for segment in regions.facts.segments] if results.found else []
    check_report(data, values, header.uids.uid("SEG"), segments)
    return data


def _conclusions(case: CaseFacts, results: Results, source: SourceSeries, header: Header) -> list[str]:
    modality = source.facts.modality
    sentences = []
    if header.research_use_only:
        sentences.append(f"{RESEARCH_USE_ONLY}. Not for diagnosis or treatment decisions.")
    if results.found:
        count = len(results.regions.facts.segments)
        sentences.append(f"Regions delineated on the {modality} images: {count}.")
    else:
        sentences.append(
            f"Workflow '{case.workflow}' found no region on the {modality} images. "
            "This does not exclude a lesion: it says that this algorithm found none."
        )
    return sentences


@contextmanager
def _library(kind: str) -> Iterator[None]:
    """Failures of the DICOM libraries as ours, and their warnings not at all: their text may quote a value."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RuntimeError) as error:
        raise Permanent(
            f"result {kind}", f"it cannot be written ({describe(error)})", "check the source series' headers"
        ) from None


def _bytes(document: Dataset) -> bytes:
    buffer = io.BytesIO()
    document.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
