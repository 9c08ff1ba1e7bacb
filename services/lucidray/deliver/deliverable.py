"""One object on its way: its bytes, and what of it matters for transport."""

from dataclasses import dataclass

from pydicom import Dataset
from pydicom.uid import UID

from lucidray.core.canonical import digest_bytes
from lucidray.core.errors import Permanent
from lucidray.imaging.dicom import read_object, text


@dataclass(frozen=True)
class Deliverable:
    """A DICOM Part 10 file that is sent as it is."""

    kind: str  # "SEG", "SR"
    data: bytes
    digest: str  # SHA-256 of `data`, hex
    header: Dataset  # without pixels

    @property
    def context(self) -> tuple[UID, UID]:
        """SOP class and transfer syntax, which make a presentation context (PS3.8 7.1.1.13)."""
        meta = self.header.file_meta
        return UID(meta.MediaStorageSOPClassUID), UID(meta.TransferSyntaxUID)


def read_deliverable(kind: str, data: bytes) -> Deliverable:
    """An object of the deliverables.

    Raises
    ------
    Permanent
        It is not a Part 10 file with complete file meta information.
    """
    thing = f"deliverable {kind}"
    header = read_object(data, thing, pixels=False)
    keywords = ("MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID")
    if not all(text(header.file_meta, keyword) for keyword in keywords):
        raise Permanent(
            thing,
            "its file meta information is incomplete",
            "recompute it: `lucidray case retry --from encode --recompute`",
        )
    return Deliverable(kind, data, digest_bytes(data), header)
