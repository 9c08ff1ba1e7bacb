"""One association with a destination: contexts, C-FIND, C-STORE of given bytes."""

import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association

from lucidray.core.errors import Permanent, Transient
from lucidray.deliver.deliverable import Deliverable
from lucidray.deliver.settings import Destination
from lucidray.imaging.requestor import steady

# Makes send_c_store(path) hand over the bytes of the file instead of decoding and encoding them again.
_config.STORE_SEND_CHUNKED_DATASET = True

STUDY_ROOT_FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")
PENDING = (0xFF00, 0xFF01)
Context = tuple[UID, UID]


class Connection:
    """An open association."""

    def __init__(self, destination: Destination, association: Association) -> None:
        self._destination = destination
        self._association = association

    def store(self, deliverable: Deliverable) -> int:
        """Send one object as it is; the status of the response.

        Raises
        ------
        Transient
            The connection broke or the destination did not answer in time.
        """
        with tempfile.TemporaryDirectory(prefix="lucidray-deliver-") as folder:
            path = Path(folder) / "object.dcm"
            path.write_bytes(deliverable.data)
            try:
                response = self._association.send_c_store(path)
            except (RuntimeError, OSError):
                raise self._lost(f"before it took {deliverable.kind}") from None
        if "Status" not in response:
            raise self._lost(f"before it answered for {deliverable.kind}")
        return int(response.Status)

    def find(self, identifier: Dataset) -> list[Dataset]:
        """Study Root C-FIND (PS3.4 C.4.1): all matches.

        Raises
        ------
        Transient
            The query failed.
        """
        found = []
        try:
            for status, match in self._association.send_c_find(identifier, STUDY_ROOT_FIND):
                if "Status" not in status:
                    raise self._lost("during the query for the study")
                if status.Status in PENDING and match is not None:
                    found.append(match)
                elif status.Status != 0x0000:
                    raise Transient(
                        place(self._destination),
                        f"its answer to the query for the study was 0x{status.Status:04X}",
                        "see the destination's log",
                    )
        except (RuntimeError, OSError):
            raise self._lost("during the query for the study") from None
        return found

    def _lost(self, when: str) -> Transient:
        return Transient(
            place(self._destination), f"the connection ended {when}", "check that it runs, and its timeouts and log"
        )


@contextmanager
def connect(destination: Destination, deliverables: Sequence[Deliverable]) -> Iterator[Connection]:
    """An association with contexts for all objects, released at the end.

    Raises
    ------
    Transient
        The destination cannot be reached or rejects the association.
    Permanent
        It does not take an object's SOP class in its transfer syntax. Nothing was sent then: a report
        without the segmentation that it refers to helps nobody.
    """
    contexts: list[Context] = list(dict.fromkeys(deliverable.context for deliverable in deliverables))
    if destination.verify_patient:
        contexts.append((STUDY_ROOT_FIND, UID("1.2.840.10008.1.2")))
    association = _associate(destination, contexts)
    try:
        _check_contexts(destination, association, contexts)
        yield Connection(destination, association)
    finally:
        if association.is_established:
            association.release()


def place(destination: Destination) -> str:
    """A destination, in words."""
    return f"destination '{destination.name}' ({destination.called_ae_title} at {destination.host}:{destination.port})"


def _associate(destination: Destination, contexts: Sequence[Context]) -> Association:
    entity = AE(ae_title=destination.calling_ae_title)
    seconds = destination.timeout_seconds
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = seconds
    for abstract_syntax, transfer_syntax in contexts:
        entity.add_requested_context(abstract_syntax, transfer_syntax)
    association = entity.associate(
        destination.host,
        destination.port,
        ae_title=destination.called_ae_title,
        evt_handlers=[(evt.EVT_CONN_OPEN, _no_delay), (evt.EVT_CONN_OPEN, steady)],
    )
    # All contexts refused ends the association too; `_check_contexts` then says so.
    if association.is_established or association.rejected_contexts:
        return association
    if association.is_rejected:
        answer = association.acceptor.primitive
        reason = answer.reason_str if answer is not None else "no reason given"
        raise Transient(
            place(destination),
            f"it rejected the association ({reason})",
            f"make '{destination.calling_ae_title}' known to it and check its AE title in deliver.destinations",
        )
    raise Transient(
        place(destination), "it cannot be reached", "check that it runs, and host and port in deliver.destinations"
    )


def _check_contexts(destination: Destination, association: Association, contexts: Sequence[Context]) -> None:
    accepted = {(context.abstract_syntax, context.transfer_syntax[0]) for context in association.accepted_contexts}
    refused = [context for context in contexts if context not in accepted]
    if not refused:
        return
    names = ", ".join(f"{abstract.name} in {transfer.name}" for abstract, transfer in refused)
    if all(abstract == STUDY_ROOT_FIND for abstract, _ in refused):
        remedy = f"allow queries at '{destination.name}' or set its verify_patient to false"
    else:
        remedy = f"enable it at '{destination.name}', or leave that kind of result out with 'kinds' of the destination"
    raise Permanent(place(destination), f"it does not accept {names}", remedy)


def _no_delay(event: evt.Event) -> None:
    # With Nagle's algorithm the last piece of every object waits some 40 ms for an acknowledgement.
    connection = event.assoc.dul.socket
    if connection is not None and connection.socket is not None:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
