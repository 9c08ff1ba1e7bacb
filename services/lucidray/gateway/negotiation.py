"""Who may associate, and what may be sent: every storage class in every transfer syntax that holds its pixels."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AllStoragePresentationContexts, build_context
from pynetdicom.presentation import PresentationContext

from lucidray.core import logging, metrics
from lucidray.gateway.settings import GatewaySettings

log = logging.get(__name__)

_STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."  # of all storage classes for patient data, current and retired
# They do not hold the pixels, or are no files: JPIP references, RFC 2557 MIME, XML, SMPTE streams, Papyrus.
_NOT_STORED = ("JPIP", "RFC 2557", "XML", "SMPTE", "Papyrus")
# Taken only where nothing better is proposed: they cost the VR of private elements, or a byte swap.
_LAST_CHOICE = (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian)

STORAGE_SOP_CLASSES = frozenset(
    {str(context.abstract_syntax) for context in AllStoragePresentationContexts}
    | {uid for uid, entry in UID_dictionary.items() if entry[1] == "SOP Class" and uid.startswith(_STORAGE_ROOT)}
)
TRANSFER_SYNTAXES = frozenset(
    uid
    for uid, entry in UID_dictionary.items()
    if entry[1] == "Transfer Syntax" and not any(word in entry[0] for word in _NOT_STORED)
)
VERIFICATION = build_context("1.2.840.10008.1.1", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])

# Result, source, diagnostic of A-ASSOCIATE-RJ (PS3.8 table 9-21).
_LOCAL_LIMIT, _CALLING, _CALLED = (2, 3, 2), (1, 1, 3), (1, 1, 7)


class Negotiation:
    """Decides on one request after another; called by pynetdicom before its own negotiation."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._classes = STORAGE_SOP_CLASSES | set(settings.storage_sop_classes)
        self._calling = frozenset(title.strip() for title in settings.calling_ae_titles)

    def on_requested(self, event: Any) -> None:
        """Handler of `evt.EVT_REQUESTED`: offers what the peer asks for, or rejects it."""
        association = event.assoc
        request = association.requestor.primitive
        reason = self._reason(association, request)
        if reason is not None:
            name, rejection = reason
            metrics.ASSOCIATIONS_REJECTED.labels(name).inc()
            log.warning(
                "association-rejected",
                reason=name,
                peer=request.calling_ae_title,
                address=association.requestor.address_info.address,
            )
            association.acse.send_reject(*rejection)
            association.kill()
            return
        association.acceptor.supported_contexts = self.contexts(request.presentation_context_definition_list)

    def contexts(self, proposed: Iterable[PresentationContext]) -> list[PresentationContext]:
        """What we support of the proposal, each class with its transfer syntaxes in the order of choice."""
        syntaxes: dict[str, list[str]] = {}
        for context in proposed:
            if str(context.abstract_syntax) in self._classes:
                chosen = syntaxes.setdefault(str(context.abstract_syntax), [])
                chosen += [uid for uid in _known(context.transfer_syntax) if uid not in chosen]
        return [VERIFICATION] + [build_context(name, in_order(chosen)) for name, chosen in syntaxes.items() if chosen]

    def _reason(self, association: Any, request: Any) -> tuple[str, tuple[int, int, int]] | None:
        if self._calling and request.calling_ae_title.strip() not in self._calling:
            return "calling-ae-title", _CALLING
        if self._settings.require_called_ae_title and request.called_ae_title.strip() != self._settings.ae_title:
            return "called-ae-title", _CALLED
        # Connections that did not ask for an association yet do not count: they could lock out all others.
        open_now = sum(each.is_established for each in association.ae.active_associations)
        return ("local-limit", _LOCAL_LIMIT) if open_now >= self._settings.max_associations else None


def in_order(transfer_syntaxes: Sequence[str]) -> list[str]:
    """The sender's order, so that it need not transcode, but encodings that lose something last."""
    return sorted(transfer_syntaxes, key=lambda uid: uid in _LAST_CHOICE)


def _known(proposed: Iterable[UID]) -> list[str]:
    return [str(uid) for uid in proposed if uid in TRANSFER_SYNTAXES]
