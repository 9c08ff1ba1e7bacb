"""Measure a cohort: in several processes, subject by subject, going on where an earlier run stopped."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lucidray.core import logging
from lucidray.core.errors import LucidrayError
from lucidray.lab.features.journal import Journal, key_of
from lucidray.lab.features.lesion import LesionRow
from lucidray.lab.features.measuring import Subject, label_of, measure_subject
from lucidray.lab.features.tables import Rows, check_writable, write_table
from lucidray.lab.features.workers import run_each
from lucidray.quantify.engine import software
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
            return [failed(subject, self.preset, str(error))]
        except MemoryError:
            return [failed(subject, self.preset, "the machine has too little memory for it; run it with fewer --jobs")]
        except Exception as error:  # must not cost the others; its text is not told, for it may quote a header
            return [failed(subject, self.preset, f"unexpected {logging.describe(error)}; please report it")]


@dataclass(frozen=True)
class Outcome:
    """Lesions that were measured, now or by an earlier run, and the rows of subjects that failed."""

    lesions: int
    undefined: int  # of the lesions: those without any value
    failures: list[LesionRow]


def failed(subject: Subject, preset: Preset, reason: str) -> LesionRow:
    """The row of a subject that could not be measured."""
    return LesionRow(subject=subject.name, status="failed", reason=reason, preset=label_of(preset), software=software())


def run_cohort(
    subjects: Sequence[Subject],
    preset: Preset,
    output: Path,
    *,
    jobs: int,
    shape: Callable[[list[LesionRow]], Rows],
    engine: str,
    console: Console,
) -> Outcome:
    """Measure all subjects and write their table, in the order of the subjects.

    Those that an earlier run measured are taken from its journal, unless their files, the preset or the engine
    changed; those that failed are tried again. The journal goes when all are measured. `shape` makes the rows of the
    table, subject by subject.
    """
    check_writable(output)
    with Journal(output) as journal:
        keys = [key_of(subject, preset, engine) for subject in subjects]
        found = {at: rows for at, key in enumerate(keys) if (rows := journal.find(key)) is not None}
        cells = {at: shape(rows) for at, rows in found.items()}
        statuses = Counter(row.status for rows in found.values() for row in rows)
        failures: list[LesionRow] = []
        todo = [at for at in range(len(subjects)) if at not in found]
        del found
        with progress_bar(console) as progress:
            bar = progress.add_task("measured", total=len(subjects), completed=len(cells), failed="")
            for done, result, exit_code in run_each(Work(preset), [subjects[at] for at in todo], jobs):
                at = todo[done]
                rows = result or [failed(subjects[at], preset, _death(exit_code))]
                cells[at] = shape(rows)
                if rows[0].status != "failed":
                    journal.add(keys[at], rows)
                    statuses.update(row.status for row in rows)
                else:
                    failures += rows
                progress.update(bar, advance=1, failed=f"{len(failures)} failed" if failures else "")
        write_table([row for at in range(len(subjects)) for row in cells[at]], output)
        if not failures:
            journal.remove()
    return Outcome(statuses.total(), statuses["undefined"], failures)


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
