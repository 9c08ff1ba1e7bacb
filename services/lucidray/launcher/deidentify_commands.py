"""The commands `lucidray deidentify`: a folder out, results back, and a second look."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer.core import TyperGroup

_FOLDER = "folder"


class _FolderByDefault(TyperGroup):
    """`lucidray deidentify IN OUT` is `lucidray deidentify folder IN OUT`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [_FOLDER, *args]
        return super().parse_args(ctx, args)


deidentify_app = typer.Typer(
    cls=_FolderByDefault,
    no_args_is_help=True,
    help="De-identify a folder: `lucidray deidentify IN OUT`. Beside it, an audit and the way back.",
)
out = Console()


@deidentify_app.command(_FOLDER)
def folder(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder of DICOM files.", exists=True, file_okay=False)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="New folder: OUT/patient/study/series/object.dcm.")],
    profile: Annotated[str, typer.Option(help="What is kept: clinical-ai, research-export or basic.")] = "clinical-ai",
    vault: Annotated[
        bool,
        typer.Option("--vault", help="Under the site's keys, with a way back; else under keys that are forgotten."),
    ] = False,
    clean_pixels: Annotated[
        bool, typer.Option("--clean-pixels", help="Blank text in pixels, instead of leaving such objects out.")
    ] = False,
    nifti: Annotated[bool, typer.Option("--nifti", help="Also write each series as OUT/nifti/….nii.gz.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = os.cpu_count() or 1,
    refused: Annotated[
        Path | None, typer.Option(help="CSV of the files that were left out and why: may name patients.")
    ] = None,
) -> None:
    """De-identify a folder (the word `folder` can be left out). What may not go is left out, with its reason."""
    from lucidray.deidentify.folders.export import export_folder
    from lucidray.deidentify.folders.keys import Forgotten, Keys, kept_keys
    from lucidray.deidentify.regionrules import our_rules

    keys: Keys = kept_keys() if vault else Forgotten()
    rules = our_rules()
    with _ended_in_order():
        report = export_folder(source, target, profile, keys, jobs, out, clean_pixels=clean_pixels, rules=rules)
    report.show(out)
    if refused:
        report.write_refused(refused)
    if nifti:
        _export_nifti(target)
    sys.exit(0 if report.written else 1)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM ends what runs as Ctrl-C does: nothing half done stays, and no process goes on."""

    def end(*_: object) -> None:
        sys.exit("interrupted: the folder is not complete; the same command takes away what is there and begins anew")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _export_nifti(target: Path) -> None:
    from lucidray.lab.series_nifti import export_series

    outcomes = export_series(target, target / "nifti")
    out.print(f"{outcomes.pop('', 0)} series written as NIfTI")
    for cause, count in outcomes.most_common():
        out.print(f"  {count} not: {cause}", highlight=False)


@deidentify_app.command("restore")
def restore(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Results made on a folder written with --vault.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where they go under their patients' names.")],
) -> None:
    """Give results (SEG, SR, ...) the patient, study and references of the originals back."""
    from lucidray.deidentify.folders.keys import kept_keys
    from lucidray.deidentify.folders.restoring import restore_folder

    count = restore_folder(source, target, kept_keys())
    out.print(f"{count} results restored")


@deidentify_app.command("audit")
def audit(
    directory: Annotated[Path, typer.Argument(help="Files that are said to be de-identified.")],
    known: Annotated[
        Path | None, typer.Option(help="CSV: an identifier a line, its kind in the second column.")
    ] = None,
    original: Annotated[Path | None, typer.Option(help="Folder of the objects as they were before.")] = None,
) -> None:
    """Search every byte of a folder for identifiers; ends with 1 if there is one."""
    from lucidray.deidentify.audit.folder import run_audit

    sys.exit(run_audit(directory, known, original, out))
