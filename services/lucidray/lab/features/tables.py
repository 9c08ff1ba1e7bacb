"""Tables of features: wide (a row a lesion) or long (a row a feature); CSV, Parquet or JSON."""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lucidray.contracts.results import Feature
from lucidray.core.errors import Permanent
from lucidray.lab.features.lesion import LesionRow
from lucidray.lab.features.places import check_place, part_of, writing

Cell = str | float | None
Rows = Sequence[dict[str, Cell]]

# IBSI codes of the aggregation methods (manual, sections 3.6 and 3.8) and what tools commonly call them.
AGGREGATIONS = {
    "BTW3": "2D_avg",
    "SUJT": "2D_comb",
    "JJUI": "2_5D_avg",
    "ZW7Z": "2_5D_comb",
    "ITBB": "3D_avg",
    "IAZD": "3D_comb",
    "8QNN": "2D",
    "62GR": "2_5D",
    "KOBO": "3D",
}
# Columns of the long table, and the fields of a feature that fill them.
_LONG = {
    "image": "image_role",
    "filter": "filter",
    "family": "family",
    "code": "ibsi_code",
    "name": "name",
    "aggregation": "aggregation",
    "discretisation": "discretisation",
    "value": "value",
    "unit": "unit",
    "reason": "reason",
}
_FORMULA = re.compile(r"[=+@\t\r\n＝＋－＠-]")  # what a cell starts with that a spreadsheet would compute
_WIDE = ("subject", "roi", "status", "reason", "preset", "software", "remarks")
_TEXT = frozenset({*_WIDE, *_LONG} - {"value"})


def column(feature: Feature) -> str:
    """Name of a feature's column: image, response map, family, name, aggregation and IBSI code."""
    parts = (
        feature.image_role,
        re.sub(r"[^A-Za-z0-9.+-]+", "-", feature.filter),
        feature.family,
        feature.name,
        AGGREGATIONS.get(feature.aggregation, ""),
        feature.ibsi_code,
    )
    return "_".join(part for part in parts if part)


def wide(rows: Iterable[LesionRow]) -> Rows:
    """One row a lesion; an undefined feature is empty, and so are all of a subject that failed."""
    return [_lesion(row) | {column(each): each.value for each in row.features} for row in rows]


def long(rows: Iterable[LesionRow]) -> Rows:
    """One row a feature, with what measured it; a subject that failed is one row with its reason and no feature."""
    table: list[dict[str, Cell]] = []
    for row in rows:
        lesion: dict[str, Cell] = {name: getattr(row, name) for name in ("subject", "roi", "preset", "software")}
        if row.status == "failed":
            table.append(lesion | dict.fromkeys(_LONG) | {"reason": row.reason})
        for each in row.features:
            cells = {name: getattr(each, field) for name, field in _LONG.items()}
            table.append(lesion | cells | {"aggregation": AGGREGATIONS.get(each.aggregation, "")})
    return table


def write_table(rows: Rows, path: Path) -> None:
    """Write as the name says: .csv, .parquet or .json; the file is there whole or not at all.

    Raises
    ------
    Permanent
        The name ends otherwise, Parquet is wanted and pyarrow is not installed, or the place cannot be written.
    """
    content = _writer(path)(rows)
    with writing(path):
        part = part_of(path)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


def check_writable(path: Path) -> None:
    """Raise now, before hours of work, what `write_table` would raise at their end."""
    if _writer(path) is _parquet:
        _pyarrow()
    check_place(path)


def _writer(path: Path) -> Callable[[Rows], bytes]:
    try:
        return {".csv": _csv, ".parquet": _parquet, ".json": _json}[path.suffix.lower()]
    except KeyError:
        raise Permanent(f"output {path.name}", "its format is not known", "name it .csv, .parquet or .json") from None


def _lesion(row: LesionRow) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: getattr(row, name) for name in _WIDE}
    return cells | {"remarks": "; ".join(row.remarks)}


def _columns(rows: Rows) -> list[str]:
    """Of all rows, in the order of their first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _csv(rows: Rows) -> bytes:
    text = io.StringIO()
    columns = _columns(rows)
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writerow({name: _inert(name) for name in columns})  # a preset's roles come from outside, too
    # Numbers as repr: what is read back is the same number.
    writer.writerows({name: _inert(cell) for name, cell in row.items()} for row in rows)
    return text.getvalue().encode()


def _inert(cell: Cell) -> Cell:
    """Text that a spreadsheet shows and does not run: names come from outside (OWASP, CSV injection)."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _json(rows: Rows) -> bytes:
    return json.dumps(list(rows), ensure_ascii=False, allow_nan=False, indent=1).encode()


def _parquet(rows: Rows) -> bytes:
    pa, pq = _pyarrow()
    columns = {name: [row.get(name) for row in rows] for name in _columns(rows)}
    kinds = {name: pa.string() if name in _TEXT else pa.float64() for name in columns}
    buffer = io.BytesIO()
    pq.write_table(pa.table({name: pa.array(cells, kinds[name]) for name, cells in columns.items()}), buffer)
    return buffer.getvalue()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise Permanent(
            "package pyarrow", "it is not installed, and Parquet needs it", "pip install 'lucidray[lab]', or name .csv"
        ) from None
    return pyarrow, pyarrow.parquet
