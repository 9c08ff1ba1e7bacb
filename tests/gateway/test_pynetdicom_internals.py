"""The internals of pynetdicom that upper_layer.py hooks into, as they are in the version that we pin.

If one of these fails after an update, read upper_layer.py before anything else.
"""

import inspect
import queue
import threading
from importlib.metadata import version

from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import TRANSITION_TABLE
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer


def test_the_version_that_was_read() -> None:
    assert version("pynetdicom") == "3.0.4"


def test_an_association_has_the_parts_that_are_replaced() -> None:
    association = Association(AE(), "acceptor")
    assert isinstance(association._reactor_checkpoint, threading.Event)
    assert association._reactor_checkpoint.is_set()
    assert isinstance(association.dul.to_user_queue, queue.Queue)
    assert isinstance(association.dul.to_provider_queue, queue.Queue)
    assert isinstance(association.dimse.msg_queue, queue.Queue)
    assert association.dul.state_machine.current_state == "Sta1"
    assert association.dul._kill_thread is False
    association.dul._idle_timer.restart()


def test_the_reactor_of_the_upper_layer_asks_what_is_overridden() -> None:
    reactor = inspect.getsource(DULServiceProvider.run_reactor)
    assert reactor.index("self._process_recv_primitive()") < reactor.index("self._is_transport_event()")
    assert "self._idle_timer.restart()" in reactor
    assert "self.socket.recv(6)" in inspect.getsource(DULServiceProvider._read_pdu_data)
    assert "self.socket.recv(pdu_length)" in inspect.getsource(DULServiceProvider._read_pdu_data)


def test_the_reactor_of_the_association_rests_at_the_checkpoint() -> None:
    reactor = inspect.getsource(Association._run_reactor)
    assert reactor.index("self._reactor_checkpoint.wait()") < reactor.index("self.dimse.get_msg(block=False)")
    assert reactor.index("self.dimse.get_msg") < reactor.index("self.acse.is_release_requested()")
    assert reactor.index("self._is_paused = True") < reactor.index("self._reactor_checkpoint.wait()")
    for sender in (Association.send_c_store, Association.release):  # imaging/requestor.py
        source = inspect.getsource(sender)
        assert source.index("_reactor_checkpoint.clear()") < source.index("while not self._is_paused")
    waiting = inspect.getsource(Association.run_reactor)
    assert "if primitive is None:" in waiting


def test_messages_go_back_as_p_data() -> None:
    assert list(inspect.signature(DIMSEServiceProvider.receive_primitive).parameters) == ["self", "primitive"]
    assert "self.msg_queue.put(" in inspect.getsource(DIMSEServiceProvider.receive_primitive)


def test_the_state_machine_knows_the_events_that_are_put() -> None:
    # closed, broken protocol, release, abort, in the state of data transfer
    assert {event: TRANSITION_TABLE[event, "Sta6"] for event in ("Evt17", "Evt19", "Evt12", "Evt16")} == {
        "Evt17": "AA-4",
        "Evt19": "AA-8",
        "Evt12": "AR-2",
        "Evt16": "AA-3",
    }


def test_the_server_makes_associations_where_it_is_overridden() -> None:
    assert "self._create_association()" in inspect.getsource(RequestHandler.handle)
    assert "assoc.start()" in inspect.getsource(RequestHandler.handle)
    for method in ("get_request", "process_request", "server_close"):
        assert hasattr(ThreadedAssociationServer, method)
    assert "_shutdown_socket()" in inspect.getsource(AssociationSocket.close)
