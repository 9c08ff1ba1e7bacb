"""The commands `lucidray robustness perturb` and `lucidray robustness readers`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from lucidray.core.errors import Permanent
from lucidray.lab.features.cohort import read_cohort
from lucidray.lab.features.places import check_place, writing
from lucidray.lab.features.presets import find_preset
from lucidray.lab.robustness.icc import Form
from lucidray.lab.robustness.perturbation import Chain
from lucidray.lab.robustness.picture import draw
from lucidray.lab.robustness.results import CLASSES, Robustness, robustness, to_csv
from lucidray.lab.robustness.study import Perturbations, Repeated, perturb_cohort, read_again

SOME_FAILED = 3  # exit code: the table is there, but lesions failed


@dataclass(frozen=True)
class Request:
    """What was asked on the command line."""

    cohort: Path
    preset: str
    output: Path  # the table; the picture goes beside it
    roi: str
    jobs: int
    any_grid: bool

    def __post_init__(self) -> None:
        """Refuse, before hours of work, a table that would not be what its name says."""
        if self.output.suffix.lower() != ".csv":
            raise Permanent(f"output {self.output.name}", "the table is CSV", "name it .csv")
        if self.output.resolve() == self.cohort.resolve():
            raise Permanent(f"output {self.output.name}", "it is the listing of the cohort", "name another file")
        check_place(self.output)


def perturb(request: Request, chain: str, repeats: int, seed: int, console: Console) -> int:
    """ICC under perturbation; the exit code: 0, or 3 where some lesions failed."""
    preset = find_preset(request.preset)
    work = Perturbations(preset, Chain.parse(chain), repeats, seed)
    subjects = read_cohort(request.cohort, preset, request.roi, any_grid=request.any_grid)
    lesions = perturb_cohort(subjects, work, request.jobs, console)
    title = f"{preset.name}, perturbation {chain} x {repeats}, seed {seed}"
    return _report(request, lesions, "1,1", title, console)


def readers(request: Request, console: Console) -> int:
    """ICC between readers; as `perturb`."""
    preset = find_preset(request.preset)
    subjects = read_cohort(request.cohort, preset, request.roi, any_grid=request.any_grid)
    lesions = read_again(subjects, preset, request.jobs, console)
    return _report(request, lesions, "2,1", f"{preset.name}, readers", console)


def _report(request: Request, lesions: Sequence[Repeated], form: Form, title: str, console: Console) -> int:
    rows = robustness(lesions)
    failed = [each for each in lesions if each.reason]
    for lesion in failed:
        console.print(f"[red]{escape(lesion.name)}[/]: {escape(lesion.reason)}", highlight=False, soft_wrap=True)
    if not rows:
        raise Permanent(f"cohort {request.cohort.name}", "no lesion could be measured", "see the reasons above")
    count = len(lesions) - len(failed)
    title = f"{title}, {count} lesion{'s' if count > 1 else ''}"
    picture = request.output.with_suffix(".png")
    with writing(request.output):
        request.output.write_text(to_csv(rows, form), "utf-8")
        draw(rows, form, title, picture)
    console.print(_summary(rows, form, title))
    console.print(f"table {request.output}, picture {picture}", markup=False, highlight=False, soft_wrap=True)
    return SOME_FAILED if failed else 0


def _summary(rows: Sequence[Robustness], form: Form, title: str) -> Table:
    """Features by image, family and class."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        groups.setdefault((row.feature.image_role, row.feature.family), []).append(row.verdict(form))
    family_column = Column("family", overflow="fold")
    table = Table("image", family_column, *CLASSES, title=f"{title}: features by lower limit of ICC({form})")
    for (image, family), verdicts in groups.items():
        table.add_row(image, family, *(str(verdicts.count(name) or "") for name in CLASSES))
    return table
