"""The original identity inside a de-identified object, encrypted for those who may read it (PS3.15 E.1.1, E.1.2).

Encrypted Attributes Sequence (0400,0500) with a CMS envelope (RFC 5652) of a Modified Attributes Sequence. The engine
has cleaned the object already; what differs from the original at its top level is what the envelope holds.
"""

import io
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from lucidray.core.errors import Permanent

_BULK_GROUPS = frozenset({0x7FE0, 0xFFFC})  # pixels and padding
_MINIMUM_BITS = 2048  # of an RSA key, NIST SP 800-57 part 1 for use today


def read_certificates(paths: Sequence[Path]) -> list[x509.Certificate]:
    """Certificates of the recipients.

    Raises
    ------
    Permanent
        One is no PEM certificate of a strong RSA key.
    """
    return [_certificate(path) for path in paths]


def with_encrypted(clean: bytes, original: Dataset, recipients: Sequence[x509.Certificate]) -> bytes:
    """A de-identified file that carries its original attributes for the recipients.

    Parameters
    ----------
    clean
        The de-identified DICOM file.
    original
        The object as it was, as read.
    recipients
        Any of them can open it.
    """
    dataset = dcmread(io.BytesIO(clean))
    item = Dataset()
    item.EncryptedContentTransferSyntaxUID = ExplicitVRLittleEndian
    item.add_new("EncryptedContent", "OB", _even(_envelope(_modified(dataset, original), recipients)))
    dataset.EncryptedAttributesSequence = Items([item])
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def original_attributes(dataset: Dataset, certificate: x509.Certificate, key: RSAPrivateKey) -> Dataset:
    """What a recipient reads: the original attributes of a de-identified object.

    Raises
    ------
    Permanent
        It carries none, or none for this recipient.
    """
    for item in dataset.get("EncryptedAttributesSequence") or ():
        try:
            plain = pkcs7.pkcs7_decrypt_der(_one_value(bytes(item.EncryptedContent)), certificate, key, [])
        except ValueError:
            continue
        implicit = item.EncryptedContentTransferSyntaxUID != ExplicitVRLittleEndian
        content = read_dataset(io.BytesIO(plain), implicit, True)
        original: Dataset = content.ModifiedAttributesSequence[0]
        return original
    raise Permanent("object", "it holds nothing that is encrypted for this certificate", "use the recipient's own")


def _modified(clean: Dataset, original: Dataset) -> bytes:
    """A data set with the attributes that are other in the original, or only there."""
    was = Dataset()
    for tag in original.keys():  # noqa: SIM118 (iterating a Dataset decodes its elements)
        if tag.group in _BULK_GROUPS or tag.is_private:
            continue
        before, after = original.get_item(tag), clean.get_item(tag)
        same = isinstance(before, RawDataElement) and isinstance(after, RawDataElement) and before.value == after.value
        if not same:
            was[tag] = original[tag]
    was.set_original_encoding(False, True, original._character_set)
    content = Dataset()
    content.ModifiedAttributesSequence = Items([was])
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_dataset(buffer, content)
    return buffer.getvalue()


def _envelope(content: bytes, recipients: Sequence[x509.Certificate]) -> bytes:
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).set_content_encryption_algorithm(AES256)
    for recipient in recipients:
        builder = builder.add_recipient(recipient)
    return builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _certificate(path: Path) -> x509.Certificate:
    thing, remedy = f"certificate {path}", "name a PEM file of an X.509 certificate with an RSA key in encrypt_for"
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        key = certificate.public_key()
    except (OSError, ValueError) as error:
        raise Permanent(thing, f"cannot be read ({type(error).__name__})", remedy) from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _MINIMUM_BITS:
        raise Permanent(thing, f"its key is not RSA of at least {_MINIMUM_BITS} bits", remedy)
    return certificate


def _even(value: bytes) -> bytes:
    return value + bytes(len(value) % 2)


def _one_value(padded: bytes) -> bytes:
    """The DER value without the byte that made its length even (X.690 section 8.1.3)."""
    if len(padded) > 1 and padded[1] & 0x80 and padded[1] != 0x80:
        count = padded[1] & 0x7F
        return padded[: 2 + count + int.from_bytes(padded[2 : 2 + count], "big")]
    return padded
