"""What an object says of itself once its identity is gone: whom it is about now, what was done, and codes."""

from collections.abc import Iterable

from pydicom.tag import Tag

from lucidray.deidentify.elements import encoded, item, padded
from lucidray.deidentify.level import CODE_VALUE, CODING_SCHEME
from lucidray.deidentify.profile import Profile
from lucidray.deidentify.pseudonyms import PatientPseudonym
from lucidray.imaging.elements import Encoding

_CODE_MEANING = int(Tag("CodeMeaning"))


def code_elements(value: str, scheme: str, meaning: str, encoding: Encoding) -> dict[int, bytes]:
    """The elements of a code whose meaning is the standard's."""
    ascii_meaning = meaning.encode("ascii", "replace").decode()[:64]
    return {
        CODE_VALUE: encoded(CODE_VALUE, b"SH", padded(value, b"SH"), encoding),
        CODING_SCHEME: encoded(CODING_SCHEME, b"SH", padded(scheme, b"SH"), encoding),
        _CODE_MEANING: encoded(_CODE_MEANING, b"LO", padded(ascii_meaning, b"LO"), encoding),
    }


def declaration(
    patient: PatientPseudonym, profile: Profile, encoding: Encoding, *, pixels_cleaned: bool
) -> dict[int, bytes]:
    """Who it is about now, and what was done (PS3.3 C.7.1.1, C.7.2.1): that, and only that."""
    shifts = "retain_longitudinal_modified_dates" in profile.options
    texts: Iterable[tuple[str, bytes, str]] = (
        ("PatientID", b"LO", patient.patient_id),
        ("PatientName", b"PN", patient.patient_id + "^"),
        ("PatientIdentityRemoved", b"CS", "YES"),
        ("DeidentificationMethod", b"LO", f"Lucidray {profile.name} {profile.version}; PS3.15 2026d"),
        ("LongitudinalTemporalInformationModified", b"CS", "MODIFIED" if shifts else "REMOVED"),
    )
    put = {int(Tag(word)): encoded(int(Tag(word)), vr, padded(text, vr), encoding) for word, vr, text in texts}
    done = profile.codes(pixels_cleaned=pixels_cleaned)
    codes = [b"".join(code_elements(value, "DCM", meaning, encoding).values()) for value, meaning in done]
    method = int(Tag("DeidentificationMethodCodeSequence"))
    put[method] = encoded(method, b"SQ", b"".join(item(code, encoding) for code in codes), encoding)
    return put
