"""Matching of C-FIND identifiers at a Study Root node (DICOM PS3.4 C.2.2.2, C.6.2)."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from lucidray.core.errors import Permanent

# Unique key of each level, from the study down (PS3.4 C.6.2.1).
LEVELS = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
_CONTROL = ("QueryRetrieveLevel", "SpecificCharacterSet", "TimezoneOffsetFromUTC")
_COUNTS = {
    "NumberOfStudyRelatedSeries": "SeriesInstanceUID",
    "NumberOfStudyRelatedInstances": "SOPInstanceUID",
    "NumberOfSeriesRelatedInstances": "SOPInstanceUID",
}


def find(identifier: Dataset, instances: Iterable[Dataset]) -> Iterator[Dataset]:
    """Responses to an identifier, one for each matching study, series or instance.

    Parameters
    ----------
    identifier
        QueryRetrieveLevel (STUDY, SERIES or IMAGE) and the keys to match and return.
    instances
        Headers of what is stored.

    Raises
    ------
    Permanent
        The level is not one of the three.
    """
    level = str(identifier.get("QueryRetrieveLevel", ""))
    if level not in LEVELS:
        raise Permanent("C-FIND identifier", "QueryRetrieveLevel is not STUDY, SERIES or IMAGE", "set it to one")
    unique = LEVELS[level]
    keys = [key for key in identifier if key.keyword not in (*_CONTROL, *_COUNTS, "ModalitiesInStudy")]
    entities: dict[str, list[Dataset]] = {}
    for instance in instances:
        if all(_matches(key, instance) for key in keys):
            entities.setdefault(str(instance.get(unique, "")), []).append(instance)
    for members in entities.values():
        yield _response(identifier, level, members)


def _response(identifier: Dataset, level: str, members: list[Dataset]) -> Dataset:
    response = Dataset()
    for key in identifier:
        if key.keyword in _COUNTS:
            setattr(response, key.keyword, len({str(member.get(_COUNTS[key.keyword])) for member in members}))
        elif key.keyword == "ModalitiesInStudy":
            response.ModalitiesInStudy = sorted({str(member.get("Modality", "")) for member in members})
        elif key.keyword not in _CONTROL:
            found = members[0].get(key.tag)
            response.add(found if found is not None else DataElement(key.tag, key.VR, key.empty_value))
    response.QueryRetrieveLevel = level
    if "SpecificCharacterSet" in members[0]:
        response.SpecificCharacterSet = members[0].SpecificCharacterSet
    return response


def _matches(key: DataElement, instance: Dataset) -> bool:
    if key.VR == "SQ" or key.is_empty:
        return True  # universal matching
    stored = instance.get(key.tag)
    value = "" if stored is None or stored.is_empty else str(stored.value)
    if key.VR == "UI":
        wanted = [key.value] if isinstance(key.value, str) else list(key.value)
        return value in [str(one) for one in wanted]
    pattern = str(key.value)
    if key.VR in ("DA", "TM") and "-" in pattern:
        first, _, last = pattern.partition("-")
        return bool(value) and (not first or first <= value) and (not last or value <= last)
    # fnmatch would take brackets for a character class, which DICOM does not know.
    return fnmatchcase(value, pattern.replace("[", "[[]"))
