"""What a worker process does: some files of one study, from folder to folder."""

from dataclasses import dataclass, field
from pathlib import Path

from lucidray.core.errors import LucidrayError
from lucidray.core.identity import SiteKey
from lucidray.deidentify import dicomfile
from lucidray.deidentify.engine import Deidentifier, Replaced
from lucidray.deidentify.pixels import PixelPolicy
from lucidray.deidentify.profile import load_profile
from lucidray.deidentify.pseudonyms import PatientPseudonym, PseudonymKeys
from lucidray.deidentify.rules import Rulebook
from lucidray.deidentify.source import opened
from lucidray.deidentify.study import Identity, Study


@dataclass(frozen=True)
class Task:
    """Files of one study, and where they go: below `target`, a folder a series, a file an object."""

    paths: tuple[Path, ...]
    target: Path
    identity: Identity
    patient: PatientPseudonym
    site_key: SiteKey
    keys: PseudonymKeys
    profile: str
    pixels: PixelPolicy


@dataclass
class Done:
    """What became of the files of a task."""

    written: list[tuple[Path, str]] = field(default_factory=list)  # and the pseudonym of its series
    refused: list[tuple[Path, str]] = field(default_factory=list)  # and why
    replaced: Replaced = field(default_factory=Replaced)
    written_on: set[str] = field(default_factory=set)  # series of which a slice shows text


def clean_files(task: Task) -> Done:
    """De-identify files. What cannot be is left out, with its reason."""
    done = Done()
    rules = Rulebook(load_profile(task.profile))
    deidentifier = Deidentifier(task.patient, task.keys, rules, done.replaced)
    study = Study(task.site_key, task.identity, deidentifier, task.pixels, done.written_on)
    with dicomfile.quietly():
        for path in task.paths:
            try:
                with opened(path) as data:
                    cleaned = study.clean(data, "the folder")
                    folder = task.target / (cleaned.series_instance_uid or "no-series")
                    folder.mkdir(parents=True, exist_ok=True)
                    cleaned.write(folder / f"{cleaned.sop_instance_uid}.dcm")
                done.written.append((path, folder.name))
            except LucidrayError as error:
                done.refused.append((path, error.cause))
            except FileExistsError:
                done.refused.append((path, "another file holds an object of the same SOPInstanceUID"))
            except OSError:  # of the disk, not of this file
                raise
            except Exception as error:  # its text may quote the file
                done.refused.append((path, f"it cannot be written ({type(error).__name__})"))
    return done
