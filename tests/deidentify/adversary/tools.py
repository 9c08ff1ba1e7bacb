"""De-identifiers under test: ours, the peers, and one that does nothing. Each takes a file and gives one, or none."""

import contextlib
import importlib.util
import io
import logging
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import pydicom
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from tests.deidentify.adversary.checker import Output
from tests.deidentify.adversary.corpus import PlantedFile, write_corpus
from tests.deidentify.adversary.drafts import as_found_in_the_wild

Clean = Callable[[bytes], bytes]
GDCMANON = "gdcmanon"
_CULPRIT = re.compile(r"Could not De-in?dentify : (.+)")
_FAILURES = (Exception, SystemExit)  # peers raise whatever they like


@dataclass(frozen=True)
class Tool:
    """A de-identifier; `needs` is the module or program without which it cannot run."""

    name: str
    clean: Clean = bytes
    needs: str = ""
    folder: Callable[[Path, Path], None] | None = None  # does many files at once, instead of `clean`
    keeps_name: bool = False  # it writes a file under the name it has

    @property
    def present(self) -> bool:
        """Whether it can run here."""
        return not self.needs or bool(shutil.which(self.needs) or importlib.util.find_spec(self.needs))


def run(tool: Tool, corpus: list[PlantedFile]) -> dict[str, Output]:
    """What a tool makes of a corpus; files that it refuses or fails on are absent."""
    if tool.folder is not None:
        return _run_folder(tool.folder, corpus)
    outputs = {}
    with _silently():
        for each in corpus:
            with contextlib.suppress(*_FAILURES):
                outputs[each.name] = Output(each.name if tool.keeps_name else "", tool.clean(each.data))
    return outputs


def _run_folder(folder: Callable[[Path, Path], None], corpus: list[PlantedFile]) -> dict[str, Output]:
    with tempfile.TemporaryDirectory() as temporary:
        source, target = Path(temporary, "in"), Path(temporary, "out")
        write_corpus(corpus, source)
        folder(source, target)
        return {path.name: Output("", path.read_bytes()) for path in target.iterdir()}


@contextlib.contextmanager
def _silently() -> Iterator[None]:
    previous = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            as_found_in_the_wild(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            yield
    finally:
        logging.disable(previous)


def engine(profile: str) -> Tool:
    """Our engine alone: it sees also what its gates would hold back."""
    from tests.deidentify.objects import KEYS

    from lucidray.deidentify import dicomfile
    from lucidray.deidentify.engine import Deidentifier, Replaced
    from lucidray.deidentify.profile import load_profile
    from lucidray.deidentify.rules import Rulebook
    from lucidray.deidentify.source import Source
    from lucidray.deidentify.study import Identity

    rules = Rulebook(load_profile(profile))

    def clean(data: bytes) -> bytes:
        with dicomfile.quietly():
            source = Source.of(data)
            patient = Identity.of(source.header()).pseudonym(KEYS)
            return Deidentifier(patient, KEYS, rules, Replaced()).clean(source).to_bytes()

    return Tool(f"{profile}, engine alone", clean)


def lucidray(profile: str) -> Tool:
    """Ours as it is in service: engine, gates, and a look at the pixels."""
    from tests.deidentify.objects import KEYS, SITE_KEY

    from lucidray.deidentify import dicomfile
    from lucidray.deidentify.engine import Deidentifier, Replaced
    from lucidray.deidentify.profile import load_profile
    from lucidray.deidentify.rules import Rulebook
    from lucidray.deidentify.source import Source
    from lucidray.deidentify.study import Identity, Study

    rules = Rulebook(load_profile(profile))

    def clean(data: bytes) -> bytes:
        with dicomfile.quietly():
            identity = Identity.of(Source.of(data).header())
            deidentifier = Deidentifier(identity.pseudonym(KEYS), KEYS, rules, Replaced())
            return Study(SITE_KEY, identity, deidentifier).clean(data, "the corpus").to_bytes()

    return Tool(f"lucidray {profile}", clean)


def copy() -> Tool:
    """Does nothing: everything leaks, or the checker is blind."""
    return Tool("copy", bytes, keeps_name=True)


def shred() -> Tool:
    """Leaves nothing but what a file must have: nothing leaks, and nothing is of use."""

    def empty(dataset: Dataset) -> Dataset:
        kept = Dataset()
        kept.SOPClassUID, kept.SOPInstanceUID, kept.PatientName = dataset.SOPClassUID, generate_uid(), ""
        kept.file_meta = FileMetaDataset()
        kept.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        return kept

    return Tool("shred", _through_dataset(empty))


def _through_dataset(change: Callable[[Dataset], Any]) -> Clean:
    def clean(data: bytes) -> bytes:
        dataset = pydicom.dcmread(io.BytesIO(data))
        dataset = change(dataset) or dataset
        buffer = io.BytesIO()
        dataset.save_as(buffer, enforce_file_format=True)
        return buffer.getvalue()

    return clean


def _through_files(change: Callable[[Path, Path], Any]) -> Clean:
    def clean(data: bytes) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.dcm"), Path(folder, "out.dcm")
            source.write_bytes(data)
            change(source, target)
            return target.read_bytes()

    return clean


def _dicom_anonymizer(source: Path, target: Path) -> None:
    from dicomanonymizer.simpledicomanonymizer import anonymize_dicom_file, initialize_actions

    newest = partial(initialize_actions, "dicomfields_2026c")
    anonymize_dicom_file(str(source), str(target), delete_private_tags=True, base_rules_gen=newest)


def _dicognito(dataset: Dataset) -> None:
    from dicognito.anonymizer import Anonymizer

    Anonymizer(seed="adversary").anonymize(dataset)


def _deid(source: Path, target: Path) -> None:
    from deid.dicom import get_identifiers, replace_identifiers

    strict: dict[str, bool] = {"strip_sequences": True, "remove_private": True}
    found = get_identifiers([str(source)], **strict)
    (clean,) = replace_identifiers([str(source)], ids=found, save=False, **strict)
    clean.save_as(target)


def _gdcmanon(source: Path, target: Path) -> None:
    """A folder, so that UIDs stay consistent. It stops at a file that it cannot do: that one is taken out."""
    certificate = source.with_suffix(".pem")
    certificate.write_bytes(_certificate())
    command = [GDCMANON, "-e", "-c", str(certificate), "-r", "--continue", "-i", str(source), "-o", str(target)]
    while True:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        culprit = _CULPRIT.search(done.stderr + done.stdout)
        if done.returncode == 0 or culprit is None:
            return
        Path(culprit[1]).unlink()


@cache
def _certificate() -> bytes:
    """For the original attributes, which gdcmanon keeps encrypted in the object."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "adversary")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start.replace(year=2036))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def peers() -> list[Tool]:
    """Other de-identifiers, each as its documentation says to use it, with the strictest rules that it brings."""
    return [
        Tool("dicom-anonymizer", _through_files(_dicom_anonymizer), "dicomanonymizer"),
        Tool("deid", _through_files(_deid), "deid"),
        Tool("dicognito", _through_dataset(_dicognito), "dicognito"),
        Tool("gdcmanon", folder=_gdcmanon, needs=GDCMANON),
    ]
