"""A study on its way out: whom it is about, and the checks that each of its objects passes before it is cleaned."""

import re
from dataclasses import dataclass, field

from pydicom import Dataset
from pydicom.datadict import dictionary_has_tag
from pydicom.tag import Tag

from lucidray.core.canonical import digest_bytes
from lucidray.core.errors import LucidrayError, Permanent
from lucidray.core.identity import SiteKey
from lucidray.deidentify.cleaned import Cleaned
from lucidray.deidentify.elements import text_of
from lucidray.deidentify.engine import Deidentifier
from lucidray.deidentify.pixels import PixelPolicy, TextFound
from lucidray.deidentify.pseudonyms import PatientPseudonym, PseudonymKeys
from lucidray.deidentify.source import MAPPED_BYTES, Source
from lucidray.imaging.elements import Malformed
from lucidray.imaging.levels import Buffer

_TAG = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)")


@dataclass(frozen=True)
class Identity:
    """Whom a study is about. In memory only."""

    patient_id: str
    issuer: str
    study_instance_uid: str

    @classmethod
    def of(cls, dataset: Dataset) -> "Identity":
        """From an object."""
        keywords = ("PatientID", "IssuerOfPatientID", "StudyInstanceUID")
        return cls(*(text_of(dataset, Tag(keyword)) for keyword in keywords))

    def agrees(self, other: "Identity") -> bool:
        """Same patient and study. An object that names no issuer does not contradict one that does."""
        issuers = {self.issuer, other.issuer} - {""}
        same = (self.patient_id, self.study_instance_uid) == (other.patient_id, other.study_instance_uid)
        return same and len(issuers) < 2

    def keys(self, site_key: SiteKey) -> list[str]:
        """Opaque keys of the patient: with the issuer, and without, for whoever did not know it."""
        return [site_key.patient(self.patient_id, self.issuer), site_key.patient(self.patient_id)]

    def pseudonym(self, keys: PseudonymKeys) -> PatientPseudonym:
        """Pseudonym of the patient; without a PatientID, of the study, so that strangers are not made one.

        A study that was de-identified under these keys before stays as it is.
        """
        if keys.is_own_patient(self.patient_id) and keys.is_own_uid(self.study_instance_uid):
            return PatientPseudonym(self.patient_id, 0)
        return keys.patient(self.patient_id or self.study_instance_uid, self.issuer)


@dataclass(frozen=True)
class Study:
    """De-identifies the objects of one study.

    Parameters
    ----------
    site_key
        Names objects in messages.
    identity
        Of the study; every object must agree with it.
    deidentifier
        Of its patient.
    pixels
        What is done with pixels that may show text.
    """

    site_key: SiteKey
    identity: Identity
    deidentifier: Deidentifier
    pixels: PixelPolicy = PixelPolicy()
    written_on: set[str] = field(default_factory=set)  # pseudonyms of series of which a slice shows text

    def clean(self, data: Buffer, place: str) -> Cleaned:
        """A DICOM file without identity; `place` tells where it is from.

        Raises
        ------
        Permanent
            It cannot be read, or is about another patient or study, or its pixels do not decode.
        Refused
            It may show identity in its pixels, or is of a kind that is not let in.
        """
        try:
            source = Source.of(data)
            header = source.header()
            uid = text_of(header, Tag("SOPInstanceUID"))
        except Exception as error:
            raise unreadable(anonymous(data, place), error) from None
        thing = f"object {self.site_key.instance(uid)} of {place}" if uid else anonymous(data, place)
        try:
            if not Identity.of(header).agrees(self.identity):
                raise Permanent(
                    thing,
                    "it is about another patient or study than the first object of the case",
                    "correct the objects at their source, or the selection of the workflow",
                )
            source, cleaned = self.pixels.admit(data, source, header, thing)
            return self.deidentifier.clean(source, pixels_cleaned=cleaned)
        except TextFound:
            self.written_on.add(self.deidentifier.uid(text_of(header, Tag("SeriesInstanceUID"))))
            raise
        except LucidrayError:
            raise
        except Exception as error:
            raise unreadable(thing, error) from None


def anonymous(data: Buffer, place: str) -> str:
    """Name of an object that tells nothing: the digest of its file, or of the beginning of a large one."""
    return f"object {digest_bytes(bytes(data[:MAPPED_BYTES]))[:12]} of {place}"


def unreadable(thing: str, error: Exception) -> Permanent:
    """The failure to read an object. A library's text may quote it: only the class of the error is told, and what we
    ourselves found missing. A tag that nobody knows could be four letters of a name, and is not told."""
    detail = f": {_TAG.sub(_known, str(error))}" if isinstance(error, Malformed) else f" ({type(error).__name__})"
    return Permanent(thing, f"it cannot be read as DICOM{detail}", "send it again, complete")


def _known(tag: re.Match[str]) -> str:
    return tag[0] if dictionary_has_tag(int(tag[1] + tag[2], 16)) else "(unknown)"
