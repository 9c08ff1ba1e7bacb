"""A small PACS for demonstrations and tests: it stores what it gets, byte for byte, and answers queries."""

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # looked up when asked for
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)
from pynetdicom.transport import ThreadedAssociationServer

from lucidray.core.errors import Permanent
from lucidray.phantom.nagle import no_delay
from lucidray.phantom.query import find

# Components of digits, at most 64 characters (PS3.5 9.1): safe as a file name.
_UID = re.compile(r"(?=.{1,64}\Z)\d+(\.\d+)*")
_SUCCESS, _PENDING, _CANCEL = 0x0000, 0xFF00, 0xFE00
_OUT_OF_RESOURCES, _MISMATCH, _NOT_UNDERSTOOD, _BAD_IDENTIFIER = 0xA700, 0xA900, 0xC000, 0xA900
_LARGEST_PDU = 128 * 1024


@dataclass(frozen=True)
class StoredInstance:
    """One object at the PACS."""

    path: Path
    header: Dataset
    """Everything before the pixels."""

    @property
    def study_instance_uid(self) -> str:
        """StudyInstanceUID."""
        return str(self.header.StudyInstanceUID)

    @property
    def sop_class_uid(self) -> str:
        """SOPClassUID."""
        return str(self.header.SOPClassUID)

    @property
    def sop_instance_uid(self) -> str:
        """SOPInstanceUID."""
        return str(self.header.SOPInstanceUID)

    @property
    def modality(self) -> str:
        """Modality."""
        return str(self.header.get("Modality", ""))

    def read(self) -> Dataset:
        """The whole object."""
        return dcmread(self.path)


class Pacs:
    """C-ECHO, C-STORE and study-root C-FIND on loopback; objects under DIR/study/series/instance.dcm.

    >>> with Pacs(directory, port=0) as pacs:  # doctest: +SKIP
    ...     send(study.datasets, "127.0.0.1", pacs.port, called_ae_title="DEMOPACS")
    ...     pacs.instances()

    Parameters
    ----------
    directory
        Where objects are kept; what is there from before is served too.
    port
        Port to listen on; 0 takes any free one.
    host
        Address to listen on.
    """

    def __init__(self, directory: Path, port: int = 0, ae_title: str = "DEMOPACS", host: str = "127.0.0.1") -> None:
        self.directory = Path(directory)
        self.ae_title = ae_title
        self.duplicates = 0
        """Objects that were sent again and replaced their former selves."""
        self._lock = threading.Lock()
        self._instances: dict[str, StoredInstance] = {}
        self._load()
        entity = AE(ae_title=ae_title)
        entity.maximum_pdu_size = _LARGEST_PDU
        entity.add_supported_context(Verification)
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), ALL_TRANSFER_SYNTAXES)
        try:
            server = entity.start_server(
                (host, port),
                block=False,
                evt_handlers=[
                    (evt.EVT_CONN_OPEN, no_delay),
                    (evt.EVT_C_ECHO, lambda event: _SUCCESS),
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_C_FIND, self._find),
                ],
            )
        except OSError as error:
            raise Permanent(
                f"demonstration PACS on port {port}",
                f"cannot listen ({type(error).__name__})",
                "choose another port or stop what uses it",
            ) from None
        self._server = cast(ThreadedAssociationServer, server)  # what it returns when it does not block
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and end all associations."""
        self._server.shutdown()
        self._server.server_close()

    def instances(self) -> list[StoredInstance]:
        """Everything that is stored, in order of arrival."""
        with self._lock:
            return list(self._instances.values())

    def _load(self) -> None:
        for path in sorted(self.directory.glob("*/*/*.dcm")):
            try:
                header = dcmread(path, stop_before_pixels=True)
                self._instances[str(header.SOPInstanceUID)] = StoredInstance(path, header)
            except (InvalidDicomError, AttributeError):
                continue  # not ours

    def _store(self, event: evt.Event) -> int:
        content = event.encoded_dataset()
        try:
            header = dcmread(BytesIO(content), stop_before_pixels=True)
            uids = [str(header[name].value) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]
        except Exception:  # pydicom raises many kinds of errors on broken data
            return _NOT_UNDERSTOOD
        if not all(_UID.fullmatch(uid) for uid in uids) or uids[2] != event.file_meta.MediaStorageSOPInstanceUID:
            return _MISMATCH
        path = self.directory.joinpath(*uids).with_name(f"{uids[2]}.dcm")
        with self._lock:
            try:
                _replace(path, content)
            except OSError:
                return _OUT_OF_RESOURCES
            former = self._instances.pop(uids[2], None)
            if former is not None:
                self.duplicates += 1
                if former.path != path:
                    former.path.unlink(missing_ok=True)
            self._instances[uids[2]] = StoredInstance(path, header)
        return _SUCCESS

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        try:
            for response in find(event.identifier, [stored.header for stored in self.instances()]):
                if event.is_cancelled:
                    yield _CANCEL, None
                    return
                response.RetrieveAETitle = self.ae_title
                yield _PENDING, response
        except Permanent:
            yield _BAD_IDENTIFIER, None


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, path)
