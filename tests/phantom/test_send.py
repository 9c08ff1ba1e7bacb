"""Sending: as stored, over as many associations as it takes, naming what does not go."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    MediaStorageDirectoryStorage,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts

from lucidray.core.errors import Permanent, Transient
from lucidray.phantom import PhantomStudy, make_study
from lucidray.phantom.pacs import Pacs
from lucidray.phantom.send import send
from lucidray.phantom.transcode import transcoded

HOST = "127.0.0.1"
DATA_SET = 132  # after preamble and prefix


@pytest.fixture(scope="module")
def study() -> PhantomStudy:
    return make_study(7, scanner="austral")


@pytest.fixture
def pacs(tmp_path: Path) -> Iterator[Pacs]:
    with Pacs(tmp_path / "pacs") as running:
        yield running


def data_set(path: Path) -> bytes:
    """Bytes of a file after the file meta information."""
    content = path.read_bytes()
    # The group length (0002,0000) counts from behind itself, 12 bytes after the prefix.
    return content[DATA_SET + 12 + int.from_bytes(content[DATA_SET + 8 : DATA_SET + 12], "little") :]


def test_a_folder_arrives_byte_for_byte(study: PhantomStudy, pacs: Pacs, tmp_path: Path) -> None:
    sent = {dcmread(path).SOPInstanceUID: path for path in study.write(tmp_path / "out")}
    steps: list[tuple[int, int]] = []
    report = send(tmp_path / "out", HOST, pacs.port, progress=lambda done, total: steps.append((done, total)))

    assert (report.sent, report.failed, report.skipped) == (len(sent), (), ())
    assert steps == [(done, len(sent)) for done in range(1, len(sent) + 1)]
    received = {one.sop_instance_uid: one for one in pacs.instances()}
    assert set(received) == set(sent)
    for uid, path in sent.items():
        assert data_set(received[uid].path) == data_set(path)
        assert received[uid].read().file_meta.TransferSyntaxUID == dcmread(path).file_meta.TransferSyntaxUID


def test_datasets_and_single_files_can_be_sent(study: PhantomStudy, pacs: Pacs, tmp_path: Path) -> None:
    path = study.write(tmp_path / "out")[0]
    assert send(path, HOST, pacs.port).sent == 1
    assert send([*study.datasets[1:3], path], HOST, pacs.port).sent == 3
    assert len(pacs.instances()) == 3
    assert pacs.duplicates == 1


def test_what_is_not_dicom_is_skipped_and_named(study: PhantomStudy, pacs: Pacs, tmp_path: Path) -> None:
    study.write(tmp_path / "out")
    (tmp_path / "out" / "readme.txt").write_text("not an image")
    (tmp_path / "out" / "CT" / "empty").write_bytes(b"")
    report = send(tmp_path / "out", HOST, pacs.port)
    assert report.sent == len(study.datasets)
    assert {name for name, _ in report.skipped} == {"readme.txt", "CT/empty"}
    assert all("not a DICOM file" in reason and ";" in reason for _, reason in report.skipped)


def test_objects_without_identity_and_indices_are_skipped(study: PhantomStudy, pacs: Pacs, tmp_path: Path) -> None:
    nameless, index, fine = (deepcopy(one) for one in study.datasets[:3])
    del nameless.file_meta.MediaStorageSOPInstanceUID
    index.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    for dataset, name in ((nameless, "nameless"), (index, "DICOMDIR"), (fine, "fine")):
        dataset.preamble = bytes(128)
        dcmwrite(tmp_path / f"{name}.dcm", dataset, enforce_file_format=False)
    report = send([tmp_path / "nameless.dcm", tmp_path / "DICOMDIR.dcm", tmp_path / "fine.dcm"], HOST, pacs.port)
    assert report.sent == 1
    assert [name for name, _ in report.skipped] == ["nameless.dcm", "DICOMDIR.dcm"]
    assert "lacks the SOP class, instance" in report.skipped[0].reason
    assert "index of a medium" in report.skipped[1].reason


def test_a_truncated_object_goes_as_it_is(study: PhantomStudy, tmp_path: Path) -> None:
    path = study.write(tmp_path / "out")[0]
    path.write_bytes(path.read_bytes()[:-1000])
    arrived: list[bytes] = []

    def store(event: evt.Event) -> int:
        arrived.append(event.encoded_dataset(include_meta=False))
        return 0x0000

    with Receiver(store) as port:
        assert send(path, HOST, port).sent == 1
    assert arrived == [data_set(path)]


class Receiver:
    """A storage SCP with a handler of the test's own."""

    def __init__(self, store: Callable[[evt.Event], int], contexts: int = 200) -> None:
        entity = AE()
        for context in AllStoragePresentationContexts[:contexts]:
            entity.add_supported_context(str(context.abstract_syntax), list(context.transfer_syntax))
        for context in AllStoragePresentationContexts:
            if context.abstract_syntax == CTImageStorage:
                entity.add_supported_context(str(context.abstract_syntax), list(context.transfer_syntax))
        self.associations = 0
        server = entity.start_server(
            (HOST, 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store), (evt.EVT_ACCEPTED, self._count)]
        )
        assert server is not None
        self.server = server

    def _count(self, event: evt.Event) -> None:
        self.associations += 1

    def __enter__(self) -> int:
        return int(self.server.server_address[1])

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_refused_objects_are_counted_and_the_rest_goes(study: PhantomStudy) -> None:
    calls = iter((0xA700, 0x0000, 0xB000))
    with Receiver(lambda event: next(calls)) as port:
        report = send(study.of("CT")[:3], HOST, port)
    assert report.sent == 2  # 0xB000: stored, with a warning
    ((name, reason),) = report.failed
    assert name == study.of("CT")[0].SOPInstanceUID
    assert "0xA700" in reason


def test_a_class_that_the_receiver_does_not_take_fails_alone(study: PhantomStudy) -> None:
    with Receiver(lambda event: 0x0000, contexts=0) as port:
        report = send([study.of("CT")[0], study.of("PT")[0]], HOST, port)
    assert report.sent == 1
    assert [name for name, _ in report.failed] == [study.of("PT")[0].SOPInstanceUID]
    assert "Positron Emission Tomography Image Storage" in report.failed[0].reason


def test_all_classes_refused_fails_all(study: PhantomStudy) -> None:
    with Receiver(lambda event: 0x0000, contexts=0) as port:
        report = send(study.of("PT")[:2], HOST, port)
    assert report.sent == 0
    assert len(report.failed) == 2


def test_more_than_128_contexts_take_several_associations() -> None:
    classes = [UID(str(context.abstract_syntax)) for context in AllStoragePresentationContexts[:130]]
    peer = Receiver(lambda event: 0x0000)
    with peer as port:
        report = send([smallest(sop_class, number) for number, sop_class in enumerate(classes, 1)], HOST, port)
    assert (report.sent, report.failed) == (130, ())
    assert peer.associations == 2


def smallest(sop_class: UID, number: int) -> Dataset:
    """A dataset with nothing but its identity."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, UID(f"2.25.{number}")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


# pynetdicom drops the socket of a connection that failed without closing it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_listens(study: PhantomStudy) -> None:
    with Pacs(Path("unused")) as closed:
        port = closed.port
    with pytest.raises(Transient, match="cannot be reached"):
        send(study.datasets[:1], HOST, port)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="does not exist"):
        send(tmp_path / "nowhere", HOST, 1)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, DeflatedExplicitVRLittleEndian])
def test_transcoded_objects_keep_identity_and_pixels(study: PhantomStudy, pacs: Pacs, syntax: str) -> None:
    objects = [study.of("CT")[3], study.of("PT")[3], study.of("RTSTRUCT")[0]]
    assert send(objects, HOST, pacs.port, transcode_to=syntax).sent == 3
    for original, received in zip(objects, pacs.instances(), strict=True):
        again = received.read()
        assert again.SOPInstanceUID == original.SOPInstanceUID
        if "PixelData" in original:
            assert again.file_meta.TransferSyntaxUID == syntax
            np.testing.assert_array_equal(again.pixel_array, original.pixel_array)


def test_back_from_a_compressed_syntax(study: PhantomStudy) -> None:
    original = study.of("CT")[0]
    again = transcoded(transcoded(original, RLELossless), "1.2.840.10008.1.2.1")
    assert again.PixelData == original.PixelData
    assert original.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"


def test_no_codec_no_transcoding(study: PhantomStudy) -> None:
    with pytest.raises(Permanent, match="MPEG2.*no codec"):
        transcoded(study.of("CT")[0], "1.2.840.10008.1.2.4.100")
    with pytest.raises(Permanent, match="big endian"):
        transcoded(study.of("CT")[0], ExplicitVRBigEndian)
