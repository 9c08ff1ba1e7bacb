"""Measure a cohort: in several processes, subject by subject, going on where an earlier run stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lucidray.core import logging
from lucidray.core.errors import LucidrayError
from lucidray.lab.features.journal import Journal, key_of
from lucidray.lab.features.lesion import LesionRow
from lucidray.lab.features.measuring import Subject, measure_subject
from lucidray.lab.features.tables import check_writable, long, wide, write_table
from lucidray.lab.features.workers import run_each
from lucidray.quantify.preset import Preset


@dataclass(frozen=True)
class Work:
    """What a process does with a subject."""

    preset: Preset

    def __call__(self, subject: Subject) -> list[LesionRow]:
        """The rows of a subject; where it fails, one that says why."""
        try:
            return measure_subject(subject, self.preset)
        except LucidrayError as error:
            return [failed(subject, str(error))]
        except MemoryError:
            return [failed(subject, "the machine has too little memory for it; run it with fewer --jobs")]
        except (
            Exception
        ) as error:  # a fault of ours or of a library must not cost the others; its text may quote a header
            return [failed(subject, f"unexpected {logging.describe(error)}; please report it")]


def failed(subject: Subject, reason: str) -> LesionRow:
    """The row of a subject that could not be measured."""
    return LesionRow(subject=subject.name, status="failed", reason=reason)


def run_cohort(
    subjects: Sequence[Subject],
    preset: Preset,
    output: Path,
    *,
    jobs: int,
    as_long: bool,
    engine: str,
    console: Console,
) -> list[LesionRow]:
    """Measure all subjects and write their table.

    Returns
    -------
    All rows, in the order of the subjects. Those that an earlier run measured are taken from its journal, unless
    their files, the preset or the engine changed; those that failed are tried again. The journal goes when all are
    measured.
    """
    check_writable(output)
    with Journal(output) as journal:
        keys = [key_of(subject, preset, engine) for subject in subjects]
        rows = [journal.find(key) for key in keys]
        todo = [at for at, found in enumerate(rows) if found is None]
        with progress_bar(console) as progress:
            bar = progress.add_task("measured", total=len(subjects), completed=len(subjects) - len(todo), failed="")
            failures = 0
            for done, result, exit_code in run_each(Work(preset), [subjects[at] for at in todo], jobs):
                at = todo[done]
                found = result or [failed(subjects[at], _death(exit_code))]
                rows[at] = found
                if found[0].status == "measured":
                    journal.add(keys[at], found)
                else:
                    failures += 1
                progress.update(bar, advance=1, failed=f"{failures} failed" if failures else "")
        complete = [row for found in rows for row in found or []]
        write_table(long(complete) if as_long else wide(complete), output)
        if not failures:
            journal.remove()
    return complete


def progress_bar(console: Console) -> Progress:
    """Done, in all, time gone and left, and the field `failed`."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("[red]{task.fields[failed]}"),
        console=console,
    )


def _death(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"its process was killed by signal {-exit_code} (9: too little memory); run it with fewer --jobs"
    return f"its process ended with exit code {exit_code}; please report it"
