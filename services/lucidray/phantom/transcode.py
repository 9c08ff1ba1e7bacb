"""The same object in another transfer syntax."""

from copy import deepcopy

from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from lucidray.core.errors import Permanent


def transcoded(dataset: Dataset, transfer_syntax: str) -> Dataset:
    """A copy in `transfer_syntax`, with the same SOPInstanceUID and, by lossless codecs, the same pixels.

    Objects without pixels cannot be compressed: for a compressed syntax they come back as
    Explicit VR Little Endian.

    Raises
    ------
    Permanent
        No codec is installed that can write this object so, or the syntax is the retired big endian one.
    """
    target = UID(transfer_syntax)
    if not target.is_little_endian:
        raise Permanent(f"transcoding to {target.name}", "big endian is retired", "choose another transfer syntax")
    copy = deepcopy(dataset)
    try:
        if "PixelData" not in copy:
            copy.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if target.is_compressed else target
            return copy
        if copy.file_meta.TransferSyntaxUID.is_compressed:
            copy.decompress(generate_instance_uid=False)
        if target.is_compressed and not target.is_deflated:
            copy.compress(target, generate_instance_uid=False)
        copy.file_meta.TransferSyntaxUID = target
    except (RuntimeError, NotImplementedError, ValueError, AttributeError) as error:
        raise Permanent(
            f"transcoding a {dataset.get('Modality', '')} object to {target.name}",
            f"no codec can do it ({type(error).__name__})",
            "install the 'codecs' extra or choose another transfer syntax",
        ) from None
    return copy
