"""A folder from beginning to end: find, clean in parallel, keep the way back, and only then show a study."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import Progress

from lucidray.core.children import end_with
from lucidray.core.errors import Permanent, Refused
from lucidray.core.folderlock import FolderLock
from lucidray.deidentify import dicomfile, modules
from lucidray.deidentify.folders.intake import StudyFiles, by_study, files_in, scan
from lucidray.deidentify.folders.keys import Keys
from lucidray.deidentify.folders.report import Report
from lucidray.deidentify.folders.unfinished import INCOMING, Unfinished
from lucidray.deidentify.folders.worker import Done, Task, clean_files
from lucidray.deidentify.pixels import PixelPolicy
from lucidray.deidentify.profile import load_profile
from lucidray.deidentify.regionrules import RegionRule
from lucidray.deidentify.source import Source, opened
from lucidray.deidentify.vault import VaultRecord

_LARGEST_TASK = 32  # files: small enough to show progress and share out work, large enough to be worth a message

T = TypeVar("T")
R = TypeVar("R")


class Each(Protocol):
    """Applies a function to each of many, and gives what comes as it comes, with what it is of."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]: ...


def export_folder(
    source: Path,
    target: Path,
    profile: str,
    keys: Keys,
    jobs: int,
    console: Console,
    *,
    clean_pixels: bool = False,
    rules: Sequence[RegionRule] = (),
) -> Report:
    """De-identify the files below `source` into `target`/patient/study/series/object.dcm.

    A study appears there when all of it is written and the way back is kept.

    Raises
    ------
    Permanent
        There is no such profile, no file, something in `target` that no interrupted run left, or another run.
    """
    pixels = PixelPolicy(clean_pixels, rules, load_profile(profile).heads == "stay")
    paths = files_in(source)
    _make(target)
    report = Report(profile, len(paths))
    with ExitStack() as stack:
        lock = FolderLock(target, "OUT", needed=False)  # network shares are a usual place to export to
        lock.take()
        stack.callback(lock.release)
        unfinished = stack.enter_context(Unfinished(target))
        incoming = stack.enter_context(TemporaryDirectory(prefix=INCOMING, dir=target))
        each = stack.enter_context(_pool(jobs))
        bar = stack.enter_context(Progress(console=console, transient=True))
        scanned = dict(bar.track(each(scan, paths), total=len(paths), description="looking"))
        report.refused += [(path, found) for path, found in scanned.items() if isinstance(found, str)]
        found = [(path, scanned[path]) for path in paths]
        studies = by_study((path, each) for path, each in found if not isinstance(each, str))
        waiting = dict(_admitted(studies, Path(incoming), profile, pixels, keys, jobs, report))
        done = bar.add_task("cleaning", total=sum(len(one.study.paths) for one in waiting.values()))
        for task, result in each(clean_files, [task for one in waiting.values() for task in one.tasks]):
            one = waiting[task.identity.study_instance_uid]
            one.results.append(result)
            bar.advance(done, len(task.paths))
            if len(one.results) == len(one.tasks):
                _appear(one, target, keys, report, unfinished)
        report.write(target / "report.json")
    return report


def _make(target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=target):
            pass
    except OSError as error:
        cause = f"nothing can be written there ({error.strerror})"
        raise Permanent(f"folder {target}", cause, "name another one, or get the right to write there") from None


@dataclass
class _Waiting:
    """A study that is being cleaned."""

    study: StudyFiles
    folder: Path
    tasks: list[Task]
    results: list[Done]


def _admitted(
    studies: list[StudyFiles],
    incoming: Path,
    profile: str,
    pixels: PixelPolicy,
    keys: Keys,
    jobs: int,
    report: Report,
) -> Iterator[tuple[str, _Waiting]]:
    """The studies whose patients let them go, by their UIDs, and the tasks in which they are cleaned."""
    for number, study in enumerate(studies):
        try:
            own = keys.admit(study.identity)
        except Refused as error:
            report.refused += [(path, error.cause) for path in study.paths]
            continue
        patient, folder = study.identity.pseudonym(own), incoming / str(number)
        looking = replace(pixels, firsts=study.firsts)
        size = min(_LARGEST_TASK, -(-len(study.paths) // jobs))
        parts = [study.paths[start : start + size] for start in range(0, len(study.paths), size)]
        tasks = [Task(part, folder, study.identity, patient, keys.site_key, own, profile, looking) for part in parts]
        yield study.identity.study_instance_uid, _Waiting(study, folder, tasks, [])


def _appear(one: _Waiting, target: Path, keys: Keys, report: Report, unfinished: Unfinished) -> None:
    """Keep the way back of a study, then move it to where it is seen."""
    report.refused += [refused for result in one.results for refused in result.refused]
    written = _without_suspects(one, report)
    if not written:
        return
    task, identity = one.tasks[0], one.study.identity
    study_instance_uid = task.keys.uid(identity.study_instance_uid)
    try:
        keys.keep(identity, study_instance_uid, _record(one))
    except Refused as error:
        report.refused += [(path, error.cause) for path in written]
        return
    home = target / task.patient.patient_id / study_instance_uid
    unfinished.appears(home)
    home.parent.mkdir(exist_ok=True)
    shutil.move(one.folder, home)
    report.written += len(written)
    report.studies += 1
    report.patients.add(task.patient.patient_id)
    report.labels |= {label for result in one.results for label in result.replaced.labels}


def _without_suspects(one: _Waiting, report: Report) -> list[Path]:
    """The files that go out. All of a series of which one slice shows text is kept back: its other slices were not
    all looked at."""
    suspects = set().union(*(result.written_on for result in one.results))
    for series in suspects:
        shutil.rmtree(one.folder / series, ignore_errors=True)
    written = [file for result in one.results for file in result.written]
    cause = "another object of its series looks as if text were burned in"
    report.refused += [(path, cause) for path, series in written if series in suspects]
    return [path for path, series in written if series not in suspects]


def _record(one: _Waiting) -> VaultRecord:
    """What leads back from a study."""
    task, uids, texts = one.tasks[0], {}, {}
    for result in one.results:
        uids.update(result.replaced.uids)
        texts.update(result.replaced.texts)
    texts[task.patient.patient_id] = task.identity.patient_id
    shifts = "retain_longitudinal_modified_dates" in load_profile(task.profile).options
    with dicomfile.quietly(), opened(task.paths[0]) as data:
        kept = modules.extract(Source.of(data).header())
    return VaultRecord.of(uids, texts, task.patient.shift_days if shifts else 0, kept)


@contextmanager
def _pool(jobs: int) -> Iterator[Each]:
    """In `jobs` processes; one needs none beside this."""
    if jobs == 1:
        yield lambda function, items: ((item, function(item)) for item in items)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), end_with, (os.getpid(),)) as executor:

        def each(function: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
            futures = {executor.submit(function, item): item for item in items}
            for future in as_completed(futures):
                yield futures.pop(future), future.result()

        try:
            yield each
        except BaseException:
            executor.shutdown(cancel_futures=True)  # what has not begun is not waited for
            raise
