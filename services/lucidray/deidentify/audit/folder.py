"""The audit of a folder, and how it is told."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from lucidray.core.errors import Permanent
from lucidray.deidentify.audit.identifiers import Identifier, from_csv, from_folder
from lucidray.deidentify.audit.search import Hit, Searcher
from lucidray.deidentify.audit.suspicions import Suspicion, suspicions

MAX_SHOWN = 200  # findings in the table; all are counted


@dataclass
class Audit:
    """What was found in a folder."""

    files: int = 0
    findings: list[tuple[str, Hit]] = field(default_factory=list)
    warnings: Counter[Suspicion] = field(default_factory=Counter)
    first_file: dict[Suspicion, str] = field(default_factory=dict)


def audit_folder(folder: Path, identifiers: list[Identifier], console: Console | None = None) -> Audit:
    """Search every file of a folder for identifiers, and for what is suspicious.

    Raises
    ------
    Permanent
        There is no file in it.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        raise Permanent(str(folder), "there is no file in it", "name the folder of the de-identified files")
    searcher, audit = Searcher(identifiers), Audit()
    for path in track(paths, "searching", console=console, disable=console is None, transient=True):
        data, relative = path.read_bytes(), str(path.relative_to(folder))
        hits = searcher.search(data, relative)
        shown = f"file {audit.files + 1}" if any(hit.place == "file name" for hit in hits) else relative
        audit.files += 1
        audit.findings += [(shown, hit) for hit in hits]
        for suspicion in suspicions(data):
            audit.warnings[suspicion] += 1
            audit.first_file.setdefault(suspicion, shown)
    return audit


def run_audit(folder: Path, known: Path | None, original: Path | None, console: Console) -> int:
    """Audit a folder, print what was found; 1 if an identifier was, else 0."""
    identifiers = [*(from_csv(known) if known else ()), *(from_folder(original) if original else ())]
    audit = audit_folder(folder, identifiers, console)
    for table in _tables(audit):
        console.print(table)
    searched = f"{len(identifiers)} known identifiers" if identifiers else "no known identifiers (--known, --original)"
    found = len({(hit.identifier, name) for name, hit in audit.findings})
    console.print(
        f"{audit.files} files searched for {searched}: "
        + (f"[red]{found} found[/red]" if found else "none found")
        + f"; {len(audit.warnings)} warnings"
    )
    return 1 if audit.findings else 0


def _tables(audit: Audit) -> Iterator[Table]:
    if audit.findings:
        table = _table("Identifiers found", "file", "where", "form", "identifier", "known from")
        for name, hit in audit.findings[:MAX_SHOWN]:
            cells = (name, hit.place, hit.form, hit.identifier.masked, hit.identifier.source)
            table.add_row(*map(escape, cells))
        if len(audit.findings) > MAX_SHOWN:
            table.caption = f"and {len(audit.findings) - MAX_SHOWN} more"
        yield table
    if audit.warnings:
        table = _table("To be looked at", "warning", "where", "files", "first in")
        for suspicion, count in audit.warnings.most_common():
            table.add_row(*map(escape, (suspicion.what, suspicion.place, str(count), audit.first_file[suspicion])))
        yield table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
