"""Does what came back to the PACS say what it should? Reads SEG and SR as any other client would."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import highdicom as hd
import numpy as np
from pydicom import Dataset
from pydicom.config import disable_value_validation

from lucidray.phantom import Truth

# What ties an object to its patient and study; a PACS splits the patient when one differs.
IDENTITY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "AccessionNumber",
)
_PROBABILITY = "122157"  # DCM, Probability


class Measured(NamedTuple):
    """A value with its unit, as the report prints it."""

    value: float
    unit: str


@dataclass
class Findings:
    """What the results say, and what is wrong with them."""

    problems: list[str] = field(default_factory=list)
    segments: dict[int, float] = field(default_factory=dict)  # volume by number, ml
    dice: float | None = None
    measurements: dict[str, Measured] = field(default_factory=dict)  # by name; of the first region that has it
    measurement_count: int = 0
    probability: float | None = None
    interval: tuple[float, float] | None = None


def verify(results: Sequence[Dataset], source: Sequence[Dataset], truth: Truth | None) -> Findings:
    """Check results against the study that was sent.

    Parameters
    ----------
    results
        SEG and SR as the PACS returned them.
    source
        The objects that were sent.
    truth
        What is really there, where it is known.
    """
    findings = Findings()
    segmentations = [each for each in results if each.Modality == "SEG"]
    reports = [each for each in results if each.Modality == "SR"]
    for kind, found in (("SEG", segmentations), ("SR", reports)):
        if len(found) != 1:
            findings.problems.append(f"there are {len(found)} {kind} objects instead of one")
    with disable_value_validation():  # what a hospital wrote wrongly comes back as it wrote it
        for each in results:
            _check_identity(each, source[0], findings)
            _check_references(each, source, results, findings)
        if segmentations:
            _read_segmentation(segmentations[0], truth, findings)
        if reports:
            _read_report(reports[0], findings)
    return findings


def _check_identity(result: Dataset, source: Dataset, findings: Findings) -> None:
    for keyword in IDENTITY:
        if str(result.get(keyword) or "") != str(source.get(keyword) or ""):
            findings.problems.append(f"{keyword} of the {result.Modality} differs from the study's")


def _check_references(
    result: Dataset, source: Sequence[Dataset], results: Sequence[Dataset], findings: Findings
) -> None:
    known = {str(each.SOPInstanceUID) for each in (*source, *results)}
    unknown = referenced(result) - known
    if unknown:
        findings.problems.append(f"{len(unknown)} references of the {result.Modality} resolve to nothing")


def referenced(dataset: Dataset) -> set[str]:
    """Every ReferencedSOPInstanceUID, at any depth."""
    found: set[str] = set()
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                found |= referenced(item)
        elif element.keyword == "ReferencedSOPInstanceUID":
            found.add(str(element.value))
    return found


def _read_segmentation(dataset: Dataset, truth: Truth | None, findings: Findings) -> None:
    segmentation = hd.seg.Segmentation.from_dataset(dataset, copy=False)
    union = None
    for number in segmentation.segment_numbers:
        volume = segmentation.get_volume(segment_numbers=[number], combine_segments=True)
        mask = volume.array > 0
        voxel = abs(np.linalg.det(volume.affine[:3, :3]))
        findings.segments[int(number)] = float(mask.sum() * voxel / 1000)
        union = mask if union is None else union | mask
    if truth is not None and union is not None:
        # highdicom's affine maps the array's own index order to LPS, as the truth expects.
        true = truth.mask(volume.affine, volume.array.shape)
        inside_frames = 2 * np.logical_and(true, union).sum()
        # Slices without a segment are not in the SEG: count the lesion there as missed, by its exact volume.
        true_count = max(float(true.sum()), truth.volume_ml * 1000 / voxel)
        findings.dice = float(inside_frames / (true_count + union.sum()))


def _read_report(dataset: Dataset, findings: Findings) -> None:
    for item in _numbers(dataset):
        name = item.ConceptNameCodeSequence[0]
        value = float(item.MeasuredValueSequence[0].NumericValue)
        if name.CodeValue == _PROBABILITY:
            findings.probability = value
            # TID 310: the distances from the value up and down to the bounds
            distances = {
                each.ConceptNameCodeSequence[0].CodeMeaning[0]: float(each.MeasuredValueSequence[0].NumericValue)
                for each in _numbers(item)
            }
            if set(distances) == {"-", "+"}:
                findings.interval = (value - distances["-"], value + distances["+"])
        else:
            findings.measurement_count += 1
            unit = item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0]
            findings.measurements.setdefault(str(name.CodeMeaning), Measured(value, str(unit.CodeMeaning)))


def _numbers(dataset: Dataset) -> list[Dataset]:
    found = []
    for item in dataset.get("ContentSequence") or []:
        if item.ValueType == "NUM" and item.get("MeasuredValueSequence"):
            found.append(item)
        else:
            found.extend(_numbers(item))
    return found
