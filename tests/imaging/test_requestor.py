"""No response is taken for a message that nobody asked for."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynetdicom import AE
from pynetdicom.association import Association

from lucidray.imaging.requestor import _Checkpoint
from lucidray.phantom import make_study
from lucidray.phantom.pacs import Pacs
from lucidray.phantom.send import send


class Reactor(Association):
    """An association's thread that only passes its checkpoint."""

    def __init__(self) -> None:
        super().__init__(AE(), "requestor")
        self.checkpoint = _Checkpoint(self)
        self.passed = 0
        self.enough = False

    def run(self) -> None:
        while not self.enough:
            self.checkpoint.wait()
            self.passed += 1


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    reactor = Reactor()
    reactor.start()
    yield reactor
    reactor.enough = True
    reactor.checkpoint.set()
    reactor.join()


def test_a_thread_that_was_woken_and_stopped_again_at_once_does_not_pass(reactor: Reactor) -> None:
    reactor.checkpoint.clear()
    before, interval = reactor.passed, sys.getswitchinterval()
    sys.setswitchinterval(10)  # the machine is busy: the thread does not run between the two
    try:
        reactor.checkpoint.set()
        reactor.checkpoint.clear()
    finally:
        sys.setswitchinterval(interval)
    threading.Event().wait(0.1)
    assert reactor.passed == before


def test_who_stops_the_thread_knows_that_it_rests(reactor: Reactor) -> None:
    for _ in range(200):
        reactor.checkpoint.clear()
        before = reactor.passed
        threading.Event().wait(0.0002)
        assert reactor.passed == before
        reactor.checkpoint.set()


def test_senders_stop_the_thread_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[bool] = []
    clear = _Checkpoint.clear

    def cleared(checkpoint: _Checkpoint) -> None:
        clear(checkpoint)
        stopped.append(checkpoint._resting)

    monkeypatch.setattr(_Checkpoint, "clear", cleared)
    datasets = make_study(1).datasets[:5]
    with Pacs(tmp_path) as pacs:
        assert send(datasets, "127.0.0.1", pacs.port, called_ae_title="DEMOPACS").sent == 5
    assert stopped == [True] * 6  # for each object, and to release the association
