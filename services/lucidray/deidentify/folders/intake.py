"""The files of a folder, by study."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lucidray.core.errors import Permanent
from lucidray.deidentify import dicomfile
from lucidray.deidentify.firsts import Place, firsts
from lucidray.deidentify.source import Source, opened
from lucidray.deidentify.study import Identity, unreadable


@dataclass(frozen=True)
class StudyFiles:
    """The files of one study, and whom it is about."""

    identity: Identity
    paths: tuple[Path, ...]
    firsts: frozenset[str] = frozenset()  # SOPInstanceUIDs of the first slices of its series


@dataclass(frozen=True)
class Scanned:
    """Of a file: whom it is about, and where it stands in its series."""

    identity: Identity
    place: Place | None


def files_in(folder: Path) -> list[Path]:
    """Every file below a folder, in a stable order.

    Raises
    ------
    Permanent
        There is none.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        raise Permanent(f"folder {folder}", "there is no file in it", "name a folder of DICOM files")
    return paths


def scan(path: Path) -> Scanned | str:
    """Whom a file is about, or why that cannot be told."""
    try:
        with dicomfile.quietly(), opened(path) as data:
            header = Source.of(data).header()
            found = Scanned(Identity.of(header), Place.of(header))
    except Exception as error:
        return unreadable("", error).cause
    return found if found.identity.study_instance_uid else "it does not say of which study it is"


def by_study(scanned: Iterable[tuple[Path, Scanned]]) -> list[StudyFiles]:
    """Studies in the order of their first files. Of their objects, the first says whom a study is about,
    and the first that names an issuer, who issued the PatientID."""
    found: dict[str, StudyFiles] = {}
    all_scanned: dict[str, list[Scanned]] = {}
    for path, each in scanned:
        identity = each.identity
        study = found.get(identity.study_instance_uid, StudyFiles(identity, ()))
        known = study.identity
        if not known.issuer and known.patient_id == identity.patient_id:
            known = replace(known, issuer=identity.issuer)
        found[identity.study_instance_uid] = StudyFiles(known, (*study.paths, path))
        all_scanned.setdefault(identity.study_instance_uid, []).append(each)
    return [replace(study, firsts=_firsts(study.identity, all_scanned[uid])) for uid, study in found.items()]


def _firsts(identity: Identity, scanned: Iterable[Scanned]) -> frozenset[str]:
    """Of what goes out: objects of another patient do not."""
    return firsts(each.place for each in scanned if each.identity.agrees(identity))
