"""What became of a folder."""

import csv
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lucidray.deidentify.profile import load_profile


@dataclass
class Report:
    """Counts and reasons; which file was refused why is told to the user alone."""

    profile: str
    files: int
    written: int = 0
    patients: set[str] = field(default_factory=set)  # pseudonyms
    studies: int = 0
    labels: set[str] = field(default_factory=set)  # that texts became which were not understood
    refused: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def causes(self) -> Counter[str]:
        """How many files were refused, by cause."""
        return Counter(cause for _, cause in self.refused)

    def facts(self) -> dict[str, Any]:
        """For report.json beside the data: no name of a file, for it may name a patient."""
        profile = load_profile(self.profile)
        return {
            "profile": profile.name,
            "profile_version": profile.version,
            "declared": [f"{value} {meaning}" for value, meaning in profile.codes()],
            "files": self.files,
            "written": self.written,
            "patients": len(self.patients),
            "studies": self.studies,
            "labelled_texts": len(self.labels),
            "refused": dict(self.causes.most_common()),
        }

    def write(self, path: Path) -> None:
        """Write report.json."""
        path.write_text(json.dumps(self.facts(), indent=2) + "\n", encoding="utf-8")

    def write_refused(self, path: Path) -> None:
        """Write which files were refused, and why: a table that may name patients."""
        with path.open("w", newline="", encoding="utf-8") as lines:
            table = csv.writer(lines)
            table.writerow(["file", "cause"])
            table.writerows((str(file), cause) for file, cause in self.refused)

    def show(self, console: Console) -> None:
        """Print it."""
        console.print(
            f"{self.written} of {self.files} files written: {len(self.patients)} patients, {self.studies} studies, "
            f"profile {self.profile}"
        )
        if self.refused:
            table = Table("not written, because", "files", title="Left out")
            for cause, count in self.causes.most_common():
                table.add_row(cause, str(count))
            console.print(table)
