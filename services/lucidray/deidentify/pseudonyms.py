"""Keyed pseudonyms. Stateless: every replica and every re-send gives the same.

HMAC-SHA256 (RFC 2104) under a key that derives from the site key. UIDs are of the form
``2.25.<UUID>`` (PS3.5 B.2) with a UUID of version 8 (RFC 9562).

A pseudonym ends in a check that only the key can make. So it is recognised as one, and what was
de-identified once stays as it is when it is de-identified again under the same key.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import NamedTuple

from pydicom.uid import UID

from lucidray.core.identity import SiteKey

KEY_VERSION = 1
MAX_SHIFT_DAYS = 3650
STANDARD_ROOT = "1.2.840.10008."
_UUID_UID = re.compile(r"2\.25\.\d{1,39}")


class Form(NamedTuple):
    """How a pseudonym is written: a prefix, hexadecimal digits of a digest, and some more that check them."""

    prefix: str
    digits: int
    check: int


_FIRST_NUMBER, _NUMBERS = 1_000_000, 9_000_000  # of seven digits: no scanner counts so far
_FORMS = {"patient": Form("P", 16, 8), "site": Form("SITE-", 10, 6), "label": Form("V_", 9, 4)}


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
        if self.is_own_uid(original):
            return original
        value = int.from_bytes(self._digest("uid", original)[:16], "big")
        value = value & ~(0xF << 76) | 8 << 76  # version
        value = value & ~(0x3 << 62) | 2 << 62  # variant
        return f"2.25.{value >> 32 << 32 | self._check_of_uid(value)}"

    def is_own_uid(self, uid: str) -> bool:
        """Whether a UID is a pseudonym under this key."""
        if not _UUID_UID.fullmatch(uid):
            return False
        value = int(uid[5:])
        return value & 0xFFFFFFFF == self._check_of_uid(value)

    def patient(self, patient_id: str, issuer: str) -> PatientPseudonym:
        """Pseudonym of a patient, by PatientID and IssuerOfPatientID."""
        identity = (patient_id.strip(), issuer.strip())
        days = 1 + int.from_bytes(self._digest("shift", *identity)[:8], "big") % MAX_SHIFT_DAYS
        return PatientPseudonym(self._token("patient", *identity), days)

    def is_own_patient(self, patient_id: str) -> bool:
        """Whether a PatientID is a pseudonym under this key."""
        return self._is_own("patient", patient_id)

    def site(self, institution: str) -> str:
        """Pseudonym of an institution; spelling with other case or spaces gives the same."""
        if self._is_own("site", institution):
            return institution
        return self._token("site", " ".join(institution.casefold().split()))

    def label(self, keyword: str, text: str) -> str:
        """Label of a text of an attribute: equal texts have equal labels. Fits any VR, padded too (15 characters)."""
        if self._is_own("label", text):
            return text
        return self._token("label", keyword, text.strip())

    def number(self, text: str) -> str:
        """A number in place of one that identifies: equal ones have equal numbers, whatever attribute they are in."""
        return str(_FIRST_NUMBER + int.from_bytes(self._digest("number", text.strip(" \0"))[:8], "big") % _NUMBERS)

    def _token(self, kind: str, *values: str) -> str:
        form = _FORMS[kind]
        body = self._digest(kind, *values).hex()[: form.digits].upper()
        return form.prefix + body + self._check(kind, body)

    def _is_own(self, kind: str, text: str) -> bool:
        form = _FORMS[kind]
        body = text[len(form.prefix) : len(form.prefix) + form.digits]
        return len(body) == form.digits and text == form.prefix + body + self._check(kind, body)

    def _check(self, kind: str, body: str) -> str:
        return self._digest(f"{kind} check", body).hex()[: _FORMS[kind].check].upper()

    def _check_of_uid(self, value: int) -> int:
        return int.from_bytes(self._digest("uid check", f"{value >> 32:x}")[:4], "big")

    def _digest(self, kind: str, *values: str) -> bytes:
        return hmac.digest(self._secret, "\x1f".join((kind, *values)).encode(), hashlib.sha256)


def is_standard(uid: str) -> bool:
    """Whether a UID is one that DICOM itself registers. What only begins like one is not."""
    return uid.startswith(STANDARD_ROOT) and UID(uid).name != uid
