"""Encrypted Attributes, alone and with GDCM's gdcmanon at the other end."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from tests.deidentify.objects import CASE, SITE_KEY, ct_slice, item, items, open_vault, parse, part10, through_engine

from lucidray.contracts.catalogue import STUDY
from lucidray.contracts.parameters import DeidentifyParameters
from lucidray.core.errors import Permanent
from lucidray.deidentify.encrypted import original_attributes, read_certificates, with_encrypted
from lucidray.deidentify.step import Deidentify
from lucidray.runtime.step import Artifact, GivenInputs

GDCMANON = shutil.which("gdcmanon")
needs_gdcm = pytest.mark.skipif(GDCMANON is None, reason="needs gdcmanon (Debian: libgdcm-tools)")


class Recipient(NamedTuple):
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


def recipient(bits: int = 2048) -> Recipient:
    key, name = rsa.generate_private_key(65537, bits), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "r")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    return Recipient(builder.sign(key, hashes.SHA256()), key)


@pytest.fixture(scope="module")
def owner() -> Recipient:
    return recipient()


def write(folder: Path, owner: Recipient) -> tuple[Path, Path]:
    certificate, key = folder / "r.crt", folder / "r.key"
    certificate.write_bytes(owner.certificate.public_bytes(Encoding.PEM))
    key.write_bytes(owner.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return certificate, key


def original() -> Dataset:
    others = items(item(PatientID="OLD-1", IssuerOfPatientID="OTHER"))
    return parse(part10(ct_slice(OtherPatientIDsSequence=others), ExplicitVRLittleEndian))


def sealed(*owners: Recipient) -> bytes:
    clean = through_engine(part10(original(), ExplicitVRLittleEndian))
    return with_encrypted(clean, original(), [each.certificate for each in owners])


def test_only_recipients_read_who_it_is(owner: Recipient) -> None:
    data = sealed(owner, recipient())
    assert b"4711-0815" not in data and "Müller".encode("latin-1") not in data
    was = original_attributes(parse(data), *owner)
    assert (was.PatientName, was.PatientID) == ("Müller^Jörg", "4711-0815")
    assert was.OtherPatientIDsSequence[0].PatientID == "OLD-1"
    assert was.SOPInstanceUID == original().SOPInstanceUID
    assert "Rows" not in was and "PixelData" not in was
    with pytest.raises(Permanent, match="nothing that is encrypted for this"):
        original_attributes(parse(data), *recipient())
    with pytest.raises(Permanent):
        original_attributes(original(), *owner)


def test_the_rest_of_the_object_stays(owner: Recipient) -> None:
    clean = parse(through_engine(part10(original(), ExplicitVRLittleEndian)))
    after = parse(sealed(owner))
    del after.EncryptedAttributesSequence
    assert after == clean


def test_weak_and_other_keys_are_refused(tmp_path: Path) -> None:
    certificate, key = write(tmp_path, recipient(1024))
    for path in (certificate, key, tmp_path / "none"):
        with pytest.raises(Permanent, match=str(path)):
            read_certificates([path])


def test_the_step_encrypts_for_those_whom_the_settings_name(tmp_path: Path, owner: Recipient) -> None:
    given = GivenInputs([Artifact(STUDY, [part10(original(), ExplicitVRLittleEndian)], "CT")])
    step = Deidentify(SITE_KEY, open_vault(tmp_path), recipients=[owner.certificate])
    [artifact] = step.run(CASE, given, DeidentifyParameters()).artifacts
    assert original_attributes(parse(artifact.value[0]), *owner).PatientID == "4711-0815"


@needs_gdcm
def test_gdcmanon_opens_what_we_encrypt(tmp_path: Path, owner: Recipient) -> None:
    certificate, key = write(tmp_path, owner)
    ours, back = tmp_path / "ours.dcm", tmp_path / "back.dcm"
    ours.write_bytes(sealed(owner))
    arguments = [str(GDCMANON), "-d", "-k", str(key), "-c", str(certificate), "-i", str(ours), "-o", str(back)]
    subprocess.run(arguments, check=True, capture_output=True)
    was, after = original(), parse(back.read_bytes())
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "SOPInstanceUID", "StudyDate", "AccessionNumber"):
        assert after[keyword].value == was[keyword].value, keyword
    assert after.OtherPatientIDsSequence[0].PatientID == "OLD-1"
    assert "EncryptedAttributesSequence" not in after and after.PixelData == was.PixelData


@needs_gdcm
def test_we_open_what_gdcmanon_encrypts(tmp_path: Path, owner: Recipient) -> None:
    certificate, _ = write(tmp_path, owner)
    source, theirs = tmp_path / "source.dcm", tmp_path / "theirs.dcm"
    source.write_bytes(part10(original(), ExplicitVRLittleEndian))
    arguments = [str(GDCMANON), "-e", "-c", str(certificate), "-i", str(source), "-o", str(theirs)]
    subprocess.run(arguments, check=True, capture_output=True)
    was = original_attributes(parse(theirs.read_bytes()), *owner)
    assert (was.PatientID, was.PatientName) == ("4711-0815", original().PatientName)
    assert was.SOPInstanceUID == original().SOPInstanceUID
