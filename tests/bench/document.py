"""Puts what the benchmarks printed into docs/benchmarks.md: `python -m tests.bench.document`, after `make bench-...`.

Under each heading that names a benchmark which ran here, the table is replaced; the rest of the page stays.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.table import BUILD

PAGE = Path("docs/benchmarks.md")
_SECTION = re.compile(r"(^## .*\(`make bench-(?P<name>[\w-]+)`\)\n\n)(?:\|.*\n)+", re.MULTILINE)


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Markdown, line by line."""
    yield "| figure | value | peer or bound | ratio (90 % interval) | goal | |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        unit = row["unit"]
        met = "-" if row["goal"] == "none" else "met" if row["met"] else "**missed**"
        yield (
            f"| {row['figure']} | {row['value']:.3g} {unit} | {row['peer']}: {row['peer_value']:.3g} {unit} | "
            f"{row['ratio']:.3g} ({row['low']:.3g} to {row['high']:.3g}) | {row['goal']} | {met} |"
        )


def main() -> None:
    """Replace the tables."""

    def renewed(section: re.Match[str]) -> str:
        printed = BUILD / f"{section['name']}.json"
        if not printed.exists():
            return section[0]
        return section[1] + "".join(f"{line}\n" for line in table(json.loads(printed.read_text())["rows"]))

    PAGE.write_text(_SECTION.sub(renewed, PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
