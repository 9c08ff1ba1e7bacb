"""The first slice of each series: the one of whose pixels at least is looked at."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.tag import Tag

from lucidray.deidentify import gate
from lucidray.deidentify.elements import text_of


@dataclass(frozen=True, order=True)
class Place:
    """Where an ordinary slice stands; one without a number that can be read stands before all others."""

    series_instance_uid: str
    instance_number: int
    sop_instance_uid: str

    @classmethod
    def of(cls, header: Dataset) -> "Place | None":
        """From an object; None if it is no slice of a scanner, or is cleaned or kept back without being looked at."""
        if text_of(header, Tag("SOPClassUID")) not in gate.IMAGE_CLASSES or gate.written_on(header, ""):
            return None
        try:
            number = int(text_of(header, Tag("InstanceNumber")))
        except ValueError:
            number = -(2**31)  # less than an IS can say (PS3.5 6.2)
        return cls(text_of(header, Tag("SeriesInstanceUID")), number, text_of(header, Tag("SOPInstanceUID")))


def firsts(places: Iterable[Place | None]) -> frozenset[str]:
    """SOPInstanceUID of the lowest InstanceNumber of each series."""
    found: dict[str, Place] = {}
    for place in places:
        if place is not None:
            series = place.series_instance_uid
            found[series] = min(place, found.get(series, place))
    return frozenset(place.sop_instance_uid for place in found.values())
