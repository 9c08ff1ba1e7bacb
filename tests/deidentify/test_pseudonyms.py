import uuid

from tests.deidentify.objects import KEYS, SITE_KEY

from lucidray.core.identity import SiteKey
from lucidray.deidentify.pseudonyms import MAX_SHIFT_DAYS, PseudonymKeys, is_standard


def test_uids_are_keyed_and_stateless() -> None:
    assert KEYS.uid("1.2.3") == PseudonymKeys(SITE_KEY).uid("1.2.3")
    assert KEYS.uid("1.2.3") != KEYS.uid("1.2.4")
    assert KEYS.uid("1.2.3") != PseudonymKeys(SiteKey(bytes(range(1, 33)))).uid("1.2.3")
    assert KEYS.uid("1.2.3") != PseudonymKeys(SITE_KEY, version=2).uid("1.2.3")


def test_uids_are_uuids_under_2_25() -> None:
    for number in range(200):
        uid = KEYS.uid(f"1.2.{number}")
        made = uuid.UUID(int=int(uid.removeprefix("2.25.")))
        assert len(uid) <= 64
        assert (made.version, made.variant) == (8, uuid.RFC_4122)


def test_patients() -> None:
    patients = [KEYS.patient(str(number), "") for number in range(300)]
    assert all(1 <= patient.shift_days <= MAX_SHIFT_DAYS for patient in patients)
    assert len({patient.shift_days for patient in patients}) > 250
    assert len({patient.patient_id for patient in patients}) == 300
    assert KEYS.patient(" 1 ", "A ") == KEYS.patient("1", "A") != KEYS.patient("1", "B")


def test_pseudonyms_are_recognised_under_their_key_only() -> None:
    others = PseudonymKeys(SITE_KEY, version=2)
    uid, patient, site = KEYS.uid("1.2.3"), KEYS.patient("1", "A").patient_id, KEYS.site("Hospital")
    label = KEYS.label("FilterType", "X")
    assert KEYS.is_own_uid(uid) and not others.is_own_uid(uid)
    assert KEYS.is_own_patient(patient) and not others.is_own_patient(patient)
    assert (KEYS.uid(uid), KEYS.site(site), KEYS.label("FilterType", label)) == (uid, site, label)
    assert others.uid(uid) != uid and others.site(site) != site and others.label("FilterType", label) != label
    forged = ("2.25.0", "2.25." + "9" * 39, "2.25." + "1" * 5000, "2.25.x", "1.2.3", "")
    assert not any(KEYS.is_own_uid(other) for other in forged)
    assert not any(KEYS.is_own_patient(other) for other in ("P" + "0" * 24, "", "P", patient + "0", "4711"))


def test_standard_uids_are_those_that_dicom_registers() -> None:
    assert is_standard("1.2.840.10008.1.2.1")
    assert not is_standard("1.2.840.10008.4711")
    assert not is_standard("1.2.3")


def test_keys_do_not_show() -> None:
    assert repr(KEYS) == "PseudonymKeys(...)"
