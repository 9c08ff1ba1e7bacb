"""DICOM files (PS3.10) in and out. Whatever a library says of a file while it reads it stays here: it may quote it."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pydicom
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

from lucidray.deidentify.cleaned import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from lucidray.deidentify.source import MAX_INFLATED_BYTES
from lucidray.imaging.elements import encoding_of, inflated, is_deflated, walk


@contextmanager
def quietly() -> Iterator[None]:
    """Without pydicom's warnings, log lines and value checks: they quote values, and values are checked by us."""
    level = pydicom.config.logger.level
    pydicom.config.logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings(), pydicom.config.disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        pydicom.config.logger.setLevel(level)


def read(data: bytes) -> Dataset:
    """The dataset of a DICOM file, its elements raw. Raises whatever pydicom raises, and `Malformed`
    where pydicom would read on: elements that end too early, nesting without end, a deflated flood."""
    file = io.BytesIO(data)
    read_preamble(file, force=False)
    syntax = str(_read_file_meta_info(file).TransferSyntaxUID)
    content = memoryview(data)[file.tell() :]
    whole = inflated(content, MAX_INFLATED_BYTES) if is_deflated(syntax) else content
    for _ in walk(whole, encoding_of(syntax)):
        pass
    return pydicom.dcmread(io.BytesIO(data))


def transfer_syntax(dataset: Dataset) -> UID:
    """Transfer syntax in which a dataset was read."""
    return UID(dataset.file_meta.TransferSyntaxUID)


def write(dataset: Dataset, syntax: UID, sop_class: str, sop_instance: str) -> bytes:
    """A DICOM file with an empty preamble and file meta information of our own."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance)
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    dataset.file_meta = meta
    dataset.preamble = bytes(128)
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()
