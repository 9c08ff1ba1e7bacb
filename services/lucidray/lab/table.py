"""A feature table: patients, inputs and what became of them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lucidray.core.errors import Permanent

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_DIGITS = 6  # significant ones: what different machines compute agrees to these


@dataclass(frozen=True)
class Table:
    """One row a patient; `values` (patients, inputs)."""

    patients: Sequence[str]
    names: Sequence[str]
    values: Floats
    outcome: Bools

    def column(self, name: str) -> Floats:
        """Values of one input."""
        column: Floats = self.values[:, list(self.names).index(name)]
        return column

    def text(self, outcome: str) -> str:
        """As CSV; `outcome` heads the last column."""
        lines = [",".join(["patient", *self.names, outcome])]
        for patient, row, event in zip(self.patients, self.values, self.outcome, strict=True):
            lines.append(",".join([patient, *(f"{value:.{_DIGITS}g}" for value in row), str(int(event))]))
        return "\n".join(lines) + "\n"


def read_table(path: Path) -> Table:
    """A table that `Table.text` wrote.

    Raises
    ------
    Permanent
        The file cannot be read or has a hole.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        values = np.array([[float(cell) for cell in row[1:-1]] for row in rows])
        outcome = np.array([{"0": False, "1": True}[row[-1]] for row in rows])
    except (OSError, ValueError, KeyError) as error:
        raise Permanent(
            f"feature table {path.name}", f"cannot be read ({type(error).__name__})", "compute it again from the images"
        ) from None
    return Table([row[0] for row in rows], header[1:-1], values, outcome)
