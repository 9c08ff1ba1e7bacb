"""The files of a folder, by study."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lucidray.core.errors import Permanent
from lucidray.deidentify import dicomfile
from lucidray.deidentify.source import Source, opened
from lucidray.deidentify.study import Identity, unreadable


@dataclass(frozen=True)
class StudyFiles:
    """The files of one study, and whom it is about."""

    identity: Identity
    paths: tuple[Path, ...]


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


def scan(path: Path) -> Identity | str:
    """Whom a file is about, or why that cannot be told."""
    try:
        with dicomfile.quietly(), opened(path) as data:
            identity = Identity.of(Source.of(data).header())
    except Exception as error:
        return unreadable("", error).cause
    return identity if identity.study_instance_uid else "it does not say of which study it is"


def by_study(scanned: Iterable[tuple[Path, Identity]]) -> list[StudyFiles]:
    """Studies in the order of their first files. Of their objects, the first says whom a study is about,
    and the first that names an issuer, who issued the PatientID."""
    found: dict[str, StudyFiles] = {}
    for path, identity in scanned:
        study = found.get(identity.study_instance_uid, StudyFiles(identity, ()))
        known = study.identity
        if not known.issuer and known.patient_id == identity.patient_id:
            known = replace(known, issuer=identity.issuer)
        found[identity.study_instance_uid] = StudyFiles(known, (*study.paths, path))
    return list(found.values())
