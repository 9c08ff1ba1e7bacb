"""A C-STORE SCU that sends objects exactly as they are stored (DICOM PS3.4 B, PS3.7 9.1.1)."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.uid import UID, MediaStorageDirectoryStorage
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS

from lucidray.core.errors import Permanent, Transient
from lucidray.imaging.requestor import steady
from lucidray.phantom.nagle import no_delay
from lucidray.phantom.transcode import transcoded

# Makes send_c_store(path) hand over the bytes of the file instead of decoding and encoding them again.
_config.STORE_SEND_CHUNKED_DATASET = True

# Presentation context identifiers are the odd numbers of a byte (PS3.8 9.3.2.2).
_MOST_CONTEXTS = 128
_TIMEOUT_SECONDS = 60
_LOST = "the association was lost; send again"
_NO_ANSWER = "the receiver did not answer; send again"
_IDENTITY = ("MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID")
Progress = Callable[[int, int], None]
Content = Path | str | Iterable[Dataset | Path | str]


class NotSent(NamedTuple):
    """An object that the receiver does not have now."""

    name: str
    """File, or SOP instance."""
    reason: str
    """Cause and remedy; the DIMSE status where there was one."""


@dataclass(frozen=True)
class SendReport:
    """What became of everything that was to be sent."""

    sent: int
    failed: tuple[NotSent, ...]
    """DICOM objects that were refused or lost."""
    skipped: tuple[NotSent, ...]
    """Files that are not DICOM objects."""


class _Item(NamedTuple):
    path: Path
    name: str
    context: tuple[str, str]
    """SOP class and transfer syntax."""


def send(
    content: Content,
    host: str,
    port: int,
    *,
    called_ae_title: str = "LUCIDRAY",
    calling_ae_title: str = "PHANTOM",
    transcode_to: str | None = None,
    progress: Progress | None = None,
) -> SendReport:
    """Send a folder (recursively), files, or datasets to a storage SCP.

    Objects travel in the transfer syntax in which they are stored, one presentation context for
    each pair of SOP class and transfer syntax, over as many associations as that takes. What is
    not DICOM is skipped and named; what the receiver refuses is counted, and the rest still goes.

    Parameters
    ----------
    transcode_to
        UID of a transfer syntax to write the objects in first; None sends them as they are.
    progress
        Called after every object with how many are done and how many there are.

    Raises
    ------
    Transient
        The receiver cannot be reached or takes no association.
    Permanent
        The folder does not exist, or no codec can write `transcode_to`.
    """
    with tempfile.TemporaryDirectory(prefix="lucidray-send-") as scratch:
        items, skipped = _sort_out(_files(content, Path(scratch)))
        if transcode_to:
            items = [_transcode(item, transcode_to, Path(scratch, f"{n}.trans")) for n, item in enumerate(items)]
        failed: list[NotSent] = []
        done = 0
        for batch in _batches(items):
            with _associate(batch, host, port, called_ae_title, calling_ae_title) as association:
                lost = False
                for item in batch:
                    # pynetdicom may still call a dead association established: the next object would wait in vain.
                    reason = _LOST if lost else _store(association, item)
                    lost = lost or reason == _NO_ANSWER
                    if reason:
                        failed.append(NotSent(item.name, reason))
                    done += 1
                    if progress:
                        progress(done, len(items))
        return SendReport(len(items) - len(failed), tuple(failed), tuple(skipped))


def _files(content: Content, scratch: Path) -> Iterator[tuple[Path, str]]:
    """Paths and names of all files; datasets are written to `scratch` first."""
    if isinstance(content, Path | str):
        root = Path(content)
        if not root.exists():
            raise Permanent(f"folder '{root}'", "does not exist", "name a folder or file with DICOM objects")
        found = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]
        yield from ((path, str(path.relative_to(root)) if path != root else path.name) for path in found)
        return
    for number, one in enumerate(content):
        if isinstance(one, Dataset):
            path = scratch / f"{number:06d}.dcm"
            one.save_as(path, enforce_file_format=True)
            yield path, str(one.SOPInstanceUID)
        else:
            yield from _files(Path(one), scratch)


def _sort_out(files: Iterable[tuple[Path, str]]) -> tuple[list[_Item], list[NotSent]]:
    items: list[_Item] = []
    skipped: list[NotSent] = []
    for path, name in files:
        try:
            meta = read_file_meta_info(path)
            identity = [str(getattr(meta, keyword)) for keyword in _IDENTITY]
        except InvalidDicomError:
            skipped.append(NotSent(name, "it is not a DICOM file; remove it or convert it to DICOM"))
        except AttributeError:
            skipped.append(
                NotSent(name, "its file meta information lacks the SOP class, instance or syntax; export it again")
            )
        except Exception as error:  # broken headers raise many kinds of errors
            skipped.append(NotSent(name, f"it cannot be read ({type(error).__name__}); check file and permissions"))
        else:
            if identity[0] == MediaStorageDirectoryStorage:
                skipped.append(NotSent(name, "it is the index of a medium (DICOMDIR); nothing needs to be done"))
            else:
                items.append(_Item(path, name, (identity[0], identity[2])))
    return items, skipped


def _transcode(item: _Item, target: str, path: Path) -> _Item:
    dataset = transcoded(dcmread(item.path), target)
    dataset.save_as(path, enforce_file_format=True)
    return item._replace(path=path, context=(item.context[0], str(dataset.file_meta.TransferSyntaxUID)))


def _batches(items: Sequence[_Item]) -> Iterator[list[_Item]]:
    """Items that can share an association, in the given order within each."""
    contexts = iter(dict.fromkeys(item.context for item in items))
    while chosen := set(islice(contexts, _MOST_CONTEXTS)):
        yield [item for item in items if item.context in chosen]


@contextmanager
def _associate(batch: Sequence[_Item], host: str, port: int, called: str, calling: str) -> Iterator[Association]:
    entity = AE(ae_title=calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = _TIMEOUT_SECONDS
    for sop_class, transfer_syntax in dict.fromkeys(item.context for item in batch):
        entity.add_requested_context(sop_class, transfer_syntax)
    handlers: list[evt.EventHandlerType] = [(evt.EVT_CONN_OPEN, no_delay), (evt.EVT_CONN_OPEN, steady)]
    association = entity.associate(host, port, ae_title=called, evt_handlers=handlers)
    # All contexts refused also ends the association; `_store` then says so for each object.
    if not association.is_established and not association.rejected_contexts:
        cause = "it rejected the association" if association.is_rejected else "it cannot be reached"
        raise Transient(
            f"DICOM node {called} at {host}:{port}", cause, "check address, port, AE titles and that it runs"
        )
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def _store(association: Association, item: _Item) -> str:
    """Send one object; why it did not arrive, or nothing when it did."""
    sop_class, transfer_syntax = (UID(text) for text in item.context)
    accepted = {(context.abstract_syntax, context.transfer_syntax[0]) for context in association.accepted_contexts}
    if (sop_class, transfer_syntax) not in accepted:
        return f"the receiver does not take {sop_class.name} in {transfer_syntax.name}; transcode it or configure both"
    if not association.is_established:
        return _LOST
    try:
        status = association.send_c_store(item.path)
    except (RuntimeError, ValueError, OSError) as error:
        return f"it could not be sent ({type(error).__name__}); check the file and send again"
    if "Status" not in status:
        return _NO_ANSWER
    # 0x0000 success, 0xBxxx stored with a warning (PS3.4 table B.2-1).
    if status.Status == 0x0000 or status.Status & 0xF000 == 0xB000:
        return ""
    return f"the receiver answered status 0x{status.Status:04X} ({_meaning(status.Status)}); see its log"


def _meaning(status: int) -> str:
    description = STORAGE_SERVICE_CLASS_STATUS.get(status)
    return description[1] or description[0] if description else "unknown status"
