"""The same object again: by its bytes, by its content, and with another content."""

import pytest
from prometheus_client import REGISTRY
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from tests.gateway.node import Node, ct, part10

from lucidray.core.canonical import digest_bytes

SUCCESS = 0x0000


def _count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_the_same_bytes_again_are_success_and_nothing_more(node: Node) -> None:
    file = part10(ct())
    before = _count("lucidray_objects_received_total", result="duplicate")
    assert node.send(file, file) == [SUCCESS] * 2
    node.relayed()
    assert node.send(file) == [SUCCESS]
    node.relayed()
    assert len(node.instances()) == 1
    assert len(list(node.store.keys("intake/"))) == 1
    assert not node.files()
    assert _count("lucidray_objects_received_total", result="duplicate") - before == 2


@pytest.mark.parametrize(
    "transfer_syntax",
    [
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
)
def test_a_transcoded_object_again_is_dropped(node: Node, transfer_syntax: str) -> None:
    dataset = ct()
    before = _count("lucidray_objects_unchanged_total")
    assert node.send(part10(dataset, ExplicitVRLittleEndian), part10(dataset, transfer_syntax)) == [SUCCESS] * 2
    node.relayed()
    assert len(node.instances()) == 1
    assert len(list(node.store.keys("intake/"))) == 1
    assert not node.files()
    assert _count("lucidray_objects_unchanged_total") - before == 1
    assert node.send(part10(dataset, transfer_syntax)) == [SUCCESS]
    node.relayed()
    assert len(node.instances()) == 1


@pytest.mark.parametrize("keyword, value", [("PatientName", "Other^Name"), ("PixelData", b"\1" * 8192)])
def test_another_content_is_published_as_conflicting(node: Node, keyword: str, value: object) -> None:
    dataset = ct()
    assert node.send(part10(dataset)) == [SUCCESS]
    setattr(dataset, keyword, value)
    assert node.send(part10(dataset), part10(dataset, RLELossless)) == [SUCCESS] * 2
    node.relayed()
    first, second = node.instances()
    assert first.instance_key == second.instance_key
    assert (first.conflicting, second.conflicting) == (False, True)
    for instance in (first, second):
        assert digest_bytes(node.store.get(instance.object_key)) == instance.byte_digest
    assert len(list(node.store.keys("intake/"))) == 2
