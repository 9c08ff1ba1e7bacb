"""What a good de-identifier makes of an object: the ten kinds of checks of the MIDI-B challenge.

After Rutherford et al., "Medical Image De-Identification Benchmark" (arXiv 2507.23608, 2508.01889): what has to stay
is scored as hard as what has to go. Two checks are stricter here: a date has to be shifted by the same days as every
other date of its patient, its time of day left alone; and a text that stays has to have the same words in the same
order, and no others.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from pydicom import Dataset
from tests.deidentify.adversary.scanners import COMMON, MODALITIES, TIMES

from lucidray.deidentify.audit.folding import folded


class Action(StrEnum):
    """What is checked."""

    DATE_SHIFTED = "date_shifted"
    PATID_CONSISTENT = "patid_consistent"
    PIXELS_HIDDEN = "pixels_hidden"
    PIXELS_RETAINED = "pixels_retained"
    TAG_RETAINED = "tag_retained"
    TEXT_NOTNULL = "text_notnull"
    TEXT_REMOVED = "text_removed"
    TEXT_RETAINED = "text_retained"
    UID_CHANGED = "uid_changed"
    UID_CONSISTENT = "uid_consistent"


class Check(NamedTuple):
    """One check of one attribute; `path` as in ``Sequence[0].Keyword``."""

    action: Action
    path: str
    value: Any


_DATES = (
    *("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "DecayCorrectionDateTime"),
    "RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime",
)
_UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
# Type 2 of their modules: they have to be there, and may be empty.
_PRESENT = ("PatientName", "PatientBirthDate", "AccessionNumber", "StudyID", "ReferringPhysicianName")
# Type 1, or what batches are made of.
_NOT_EMPTY = ("PatientID", "PatientName", "InstitutionName", "DeidentificationMethod", *_UIDS)


def expected(dataset: Dataset, modality: str, described: Mapping[str, str]) -> Iterator[Check]:
    """Checks of an object of a scanner, of what planting has left of its description of itself."""
    if dataset.SOPClassUID != MODALITIES[modality]["SOPClassUID"]:
        return
    for path, value in flattened({**COMMON, **MODALITIES[modality], **described, **TIMES}):
        if _texts(value_at(dataset, path)) == _texts(value):
            yield Check(Action.TEXT_RETAINED, path, value)
    for path in _DATES:
        if str(value_at(dataset, path) or "")[:8].isdecimal():
            yield Check(Action.DATE_SHIFTED, path, value_at(dataset, path))
    for keyword in _UIDS:
        yield Check(Action.UID_CHANGED, keyword, dataset.get(keyword))
        yield Check(Action.UID_CONSISTENT, keyword, dataset.get(keyword))
    yield from (Check(Action.TAG_RETAINED, keyword, None) for keyword in _PRESENT)
    yield from (Check(Action.TEXT_NOTNULL, keyword, None) for keyword in _NOT_EMPTY)
    yield Check(Action.PATID_CONSISTENT, "PatientID", dataset.get("PatientID"))
    yield Check(Action.PIXELS_RETAINED, "PixelData", dataset["PixelData"].value)


def flattened(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Paths and values of a description, sequences entered."""
    for keyword, value in values.items():
        if isinstance(value, tuple):
            for number, each in enumerate(value):
                yield from flattened(each, f"{above}{keyword}[{number}].")
        else:
            yield above + keyword, value


def value_at(dataset: Dataset, path: str) -> Any:
    """Value at a path; None where there is none, or none that can be read."""
    for part in path.split("."):
        keyword, _, number = part.partition("[")
        try:
            value = dataset.get(keyword)
            if number:
                value = value[int(number[:-1])]
        except Exception:  # not what its VR says
            return None
        dataset = value
    return dataset


def same(value: Any, other: Any) -> bool:
    """Whether two values say the same: texts by their words, numbers by their value."""
    first, second = _texts(value), _texts(other)
    if first == second or (all(map(folded, first)) and list(map(folded, first)) == list(map(folded, second))):
        return True
    try:
        return [float(each) for each in first] == [float(each) for each in second]
    except ValueError:
        return False


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return [str(value)]
    return [str(each) for each in value]
