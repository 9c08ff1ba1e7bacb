"""Keyed opaque identifiers: who it is about, without saying who.

HMAC-SHA256 under the site key (RFC 2104), so that replicas and re-sends agree and nobody
without the key can test a guess.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from lucidray.core.errors import Permanent

KEY_BYTES = 32


class SiteKey:
    """The secret from which a site's opaque identifiers derive.

    Held only by the services of the clinical zone.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < KEY_BYTES or len(set(secret)) < 8:  # noqa: PLR2004
            raise Permanent(
                "site key",
                f"it must be at least {KEY_BYTES} random bytes",
                "make one with `lucidray key new FILE` and name it in core.site_key_file",
            )
        self._secret = secret

    def __repr__(self) -> str:
        return "SiteKey(...)"

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, independent of every other purpose's."""
        return hmac.digest(self._secret, b"derive\x1f" + purpose.encode(), hashlib.sha256)

    def opaque(self, kind: str, *values: str) -> str:
        """Opaque identifier of `values`, 32 hex digits; equal values give equal identifiers."""
        message = "\x1f".join((kind, *values)).encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:32]

    def study(self, study_instance_uid: str) -> str:
        """Key of a study."""
        return self.opaque("study", study_instance_uid)

    def series(self, series_instance_uid: str) -> str:
        """Key of a series."""
        return self.opaque("series", series_instance_uid)

    def instance(self, sop_instance_uid: str) -> str:
        """Key of an object."""
        return self.opaque("instance", sop_instance_uid)

    def patient(self, patient_id: str, issuer: str = "") -> str:
        """Key of a patient, by PatientID and IssuerOfPatientID."""
        return self.opaque("patient", patient_id.strip(), issuer.strip())


def new_site_key() -> bytes:
    """Fresh secret for `SiteKey`."""
    return secrets.token_bytes(KEY_BYTES)


def write_site_key(path: Path) -> None:
    """Write a fresh secret (hex) to `path`, readable by the owner only; never overwrites."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(new_site_key().hex() + "\n")
        file.flush()
        os.fsync(file.fileno())


def load_site_key(path: Path) -> SiteKey:
    """Read the secret (hex) of a site.

    Raises
    ------
    Permanent
        The file is missing, is not hexadecimal or holds a weak key.
    """
    try:
        return SiteKey(bytes.fromhex(path.read_text().strip()))
    except OSError as error:
        raise Permanent(
            f"site key file {path}",
            f"cannot be read ({error.strerror})",
            "make one with `lucidray key new FILE` and name it in core.site_key_file",
        ) from None
    except ValueError:
        raise Permanent(
            f"site key file {path}",
            "does not hold hexadecimal digits",
            "make one with `lucidray key new FILE`",
        ) from None
