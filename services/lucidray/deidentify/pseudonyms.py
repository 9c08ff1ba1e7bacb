"""Keyed pseudonyms. Stateless: every replica and every re-send gives the same.

HMAC-SHA256 (RFC 2104) under a key that derives from the site key. UIDs are of the form
``2.25.<UUID>`` (PS3.5 B.2) with a UUID of version 8 (RFC 9562).
"""

import hashlib
import hmac
from dataclasses import dataclass

from pydicom.uid import UID

from lucidray.core.identity import SiteKey

KEY_VERSION = 1
MAX_SHIFT_DAYS = 3650
STANDARD_ROOT = "1.2.840.10008."


@dataclass(frozen=True)
class PatientPseudonym:
    """A patient without identity: PatientID and PatientName, and by how many days dates go back."""

    patient_id: str
    shift_days: int


class PseudonymKeys:
    """Derives pseudonyms."""

    def __init__(self, site_key: SiteKey, version: int = KEY_VERSION) -> None:
        self._secret = site_key.derive(f"deidentify.pseudonym/{version}")

    def __repr__(self) -> str:
        return "PseudonymKeys(...)"

    def uid(self, original: str) -> str:
        """Pseudonymous UID of a UID."""
        value = int.from_bytes(self._digest("uid", original)[:16], "big")
        value = value & ~(0xF << 76) | 8 << 76  # version
        value = value & ~(0x3 << 62) | 2 << 62  # variant
        return f"2.25.{value}"

    def patient(self, patient_id: str, issuer: str) -> PatientPseudonym:
        """Pseudonym of a patient, by PatientID and IssuerOfPatientID."""
        identity = (patient_id.strip(), issuer.strip())
        days = 1 + int.from_bytes(self._digest("shift", *identity)[:8], "big") % MAX_SHIFT_DAYS
        return PatientPseudonym("P" + self._digest("patient", *identity).hex()[:20].upper(), days)

    def site(self, institution: str) -> str:
        """Pseudonym of an institution; spelling with other case or spaces gives the same."""
        return "SITE-" + self._digest("site", " ".join(institution.casefold().split())).hex()[:10].upper()

    def label(self, keyword: str, text: str) -> str:
        """Label of a text of an attribute: equal texts have equal labels. Fits any VR (16 characters)."""
        return "V-" + self._digest("label", keyword, text.strip()).hex()[:12].upper()

    def _digest(self, kind: str, *values: str) -> bytes:
        return hmac.digest(self._secret, "\x1f".join((kind, *values)).encode(), hashlib.sha256)


def is_standard(uid: str) -> bool:
    """Whether a UID is one that DICOM itself registers. What only begins like one is not."""
    return uid.startswith(STANDARD_ROOT) and UID(uid).name != uid
