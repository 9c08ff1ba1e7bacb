"""The command `lucidray features`: what its options mean."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lucidray.core.errors import Permanent
from lucidray.lab.features.clinical import read_clinical
from lucidray.lab.features.cohort import read_cohort
from lucidray.lab.features.lesion import LesionRow
from lucidray.lab.features.measuring import Subject, engine_of, label_of, measure_subject, only_role
from lucidray.lab.features.presets import find_preset
from lucidray.lab.features.rois import region_names
from lucidray.lab.features.run import run_cohort
from lucidray.lab.features.tables import AGGREGATIONS, Rows, check_writable, long, wide, write_table
from lucidray.quantify.preset import Preset

SOME_FAILED = 3  # exit code: the table is there, but subjects failed


@dataclass(frozen=True)
class Request:
    """What was asked on the command line."""

    cohort: Path | None
    images: Sequence[str]
    mask: Path | None
    roi: str
    preset: str
    output: Path | None
    jobs: int
    as_long: bool
    any_grid: bool
    clinical: Path | None = None


def run(request: Request, console: Console) -> int:
    """Do what was asked; the exit code: 0, or 3 where some subjects failed.

    Raises
    ------
    Permanent
        Options do not fit together, or the one lesion cannot be measured.
    """
    more = (request.cohort, request.images, request.preset, request.output)
    if request.mask is not None and not any(more):
        console.print(_regions(request.mask))
        return 0
    of_cohort = request.cohort is not None and not request.images and request.mask is None
    of_lesion = request.cohort is None and request.images and request.mask is not None
    if not of_cohort and not of_lesion:
        raise Permanent(
            "command features",
            "it needs a cohort, or an image and a mask; a mask alone is listed",
            "`lucidray features COHORT -p PRESET -o F.csv`, or `lucidray features --image I --mask M -p PRESET`",
        )
    if request.clinical is not None and not of_cohort:
        raise Permanent("option --clinical", "it is for cohorts", "give a cohort, or leave it out")
    preset = find_preset(request.preset)
    return _cohort(request, preset, console) if of_cohort else _lesion(request, preset, console)


def _regions(mask: Path) -> Table:
    table = Table("number", "name", title=escape(f"regions of {mask.name}"))
    for number, name in region_names(mask).items():
        table.add_row(str(number), escape(name))
    return table


def _cohort(request: Request, preset: Preset, console: Console) -> int:
    if request.cohort is None or request.output is None:
        raise Permanent("command features", "a cohort needs an output", "say -o F.csv, F.parquet or F.json")
    if request.output.resolve() in {each.resolve() for each in (request.cohort, request.clinical) if each}:
        raise Permanent(f"output {request.output.name}", "it is a listing that is read", "name another file")
    subjects = read_cohort(request.cohort, preset, request.roi, any_grid=request.any_grid)
    shape: Callable[[list[LesionRow]], Rows] = long if request.as_long else wide
    if request.clinical is not None:
        clinical = read_clinical(request.clinical)
        clinical.check(subject.name for subject in subjects)
        shape = clinical.joined(shape, as_long=request.as_long)
        if clinical.left_out:
            console.print(f"clinical columns without a code, left out: {', '.join(clinical.left_out)}", markup=False)
    outcome = run_cohort(
        subjects,
        preset,
        request.output,
        jobs=request.jobs,
        shape=shape,
        engine=engine_of(preset),
        console=console,
    )
    failures = outcome.failures
    lesions = f"{_count(outcome.lesions, 'lesion')} of {_count(len(subjects), 'subject')} measured"
    done = f"{lesions}{_without(outcome.undefined)}, {_count(len(failures), 'subject')} failed"
    _summary(done, request.output, preset, console)
    for row in failures:
        console.print(f"[red]{escape(row.subject)}[/]: {escape(row.reason)}", highlight=False, soft_wrap=True)
    return SOME_FAILED if failures else 0


def _summary(done: str, output: Path, preset: Preset, console: Console) -> None:
    text = f"{done}: {output} (preset {label_of(preset)})"
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _without(undefined: int) -> str:
    return f" ({undefined} without any value: see its reason)" if undefined else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _lesion(request: Request, preset: Preset, console: Console) -> int:
    if request.mask is None:
        raise Permanent("command features", "an image needs a mask", "say --mask PATH")
    if request.output is not None:
        check_writable(request.output)
    subject = Subject(
        name=request.mask.name.split(".")[0],
        images=_images(request.images, preset),
        masks={"": request.mask},
        roi=request.roi,
        any_grid=request.any_grid,
    )
    rows = measure_subject(subject, preset)
    if request.output is None:
        for each in _shown(rows):
            console.print(each, markup=False, highlight=False, soft_wrap=isinstance(each, str))
    else:
        write_table(long(rows) if request.as_long else wide(rows), request.output)
        undefined = sum(row.status == "undefined" for row in rows)
        _summary(f"{_count(len(rows), 'lesion')} measured{_without(undefined)}", request.output, preset, console)
    return 0


def _images(given: Sequence[str], preset: Preset) -> dict[str, Path]:
    """Images by role, from `[ROLE=]PATH`; a folder of DICOM objects without a role is searched for every role."""
    roles = {each.role for each in preset.measurements}
    images: dict[str, Path] = {}
    for each in given:
        name, equals, rest = each.partition("=")
        named = bool(equals) and name in roles
        path = Path(rest if named else each)
        role = name if named else "" if path.is_dir() else only_role(preset, f"image {path.name}")
        if role in images:
            what = f"another image of role {role}" if role else "another folder without a role"
            raise Permanent(f"image {path.name}", f"{what} is given: {images[role].name}", "give one image a role")
        images[role] = path
    return images


def _shown(rows: Sequence[LesionRow]) -> Iterator[Table | str]:
    """A table for each region, image and response map, and what there is to remark."""
    for row in rows:
        for (image, response), features in groupby(row.features, lambda each: (each.image_role, each.filter)):
            table = Table(title=escape(f"{row.roi} in {image} {response}".rstrip()))
            for name in ("code", "feature", "value", "unit"):
                table.add_column(name, overflow="fold")
            for each in features:
                aggregation = AGGREGATIONS.get(each.aggregation, "")
                value = f"undefined: {each.reason}" if each.value is None else f"{each.value:.6g}"
                cells = (each.ibsi_code, f"{each.family} {each.name} {aggregation}", value, each.unit)
                table.add_row(*map(escape, cells))
            yield table
        yield from row.remarks
