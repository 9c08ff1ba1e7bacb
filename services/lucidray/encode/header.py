"""What SEG and SR have in common beside patient and study."""

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from highdicom.enum import ContentQualificationValues
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.valuerep import DA, DT, TM

from lucidray.encode.uids import ResultUIDs

MANUFACTURER = "Lucidray"
RESEARCH_USE_ONLY = "RESEARCH USE ONLY"
MAX_LONG_STRING = 64  # LO (PS3.5 6.2)


@dataclass(frozen=True)
class Header:
    """Series, equipment and time of the results of one case."""

    uids: ResultUIDs
    created_at: datetime  # local time of the site, as PACS expect it without TimezoneOffsetFromUTC
    workflow: str
    series_number: int
    device_serial_number: str
    research_use_only: bool

    def series(self, kind: str, what: str, number: int) -> dict[str, Any]:
        """Arguments of highdicom's constructors for one object in a series of its own.

        Parameters
        ----------
        kind
            "SEG" or "SR".
        what
            Begins the series description.
        number
            Offset from the first series number.
        """
        return {
            "series_instance_uid": self.uids.uid(f"{kind} series"),
            "sop_instance_uid": self.uids.uid(kind),
            "series_number": self.series_number + number,
            "instance_number": 1,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": MANUFACTURER,
            "software_versions": software_version(),
            "device_serial_number": self.device_serial_number,
            "series_description": self._description(what),
            "content_date": self.created_at.date(),
            "content_time": self.created_at.time(),
            "series_date": self.created_at.date(),
            "series_time": self.created_at.time(),
            "specific_character_set": "ISO_IR 192",
            "content_qualification": ContentQualificationValues.RESEARCH if self.research_use_only else None,
        }

    def _description(self, what: str) -> str:
        notice = f" - {RESEARCH_USE_ONLY}" if self.research_use_only else ""
        return f"{MANUFACTURER} {what} {self.workflow}"[: MAX_LONG_STRING - len(notice)].rstrip() + notice


def software_version() -> str:
    """Version of this software."""
    return version("lucidray")


def finish(document: Dataset, header: Header) -> None:
    """Settle what highdicom's constructors leave to the moment or take from the source, in place."""
    document.InstanceCreationDate = DA(header.created_at.date())
    document.InstanceCreationTime = TM(header.created_at.time())
    # The scanner's description is a pseudonym here and nobody would put it right on the way back.
    document.ContributingEquipmentSequence = [
        item
        for item in document.ContributingEquipmentSequence
        if item.PurposeOfReferenceCodeSequence[0].CodeValue != codes.DCM.AcquisitionEquipment.value
    ]
    for item in document.ContributingEquipmentSequence:
        item.ContributionDateTime = DT(header.created_at.strftime("%Y%m%d%H%M%S"))
