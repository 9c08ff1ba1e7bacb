"""The schema of the chart's values: its own part, and the settings of all rooms under `config`.

``python -m lucidray.launcher.chart_schema charts/lucidray`` writes values.schema.json beside
values.schema.yaml; with ``--check`` it only says whether that is current.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml

from lucidray.launcher.configuration import schema

SOURCE = "values.schema.yaml"
TARGET = "values.schema.json"
CONFIGURATION = "Configuration"


def values_schema(chart: dict[str, Any], configuration: dict[str, Any]) -> dict[str, Any]:
    """One JSON schema (draft 2020-12) of both.

    Parameters
    ----------
    chart
        The chart's part; refers to ``#/$defs/Configuration``.
    configuration
        Schema of the configuration file; its definitions move up, where its references look for them.

    Raises
    ------
    ValueError
        Both define the same name.
    """
    part = {name: value for name, value in configuration.items() if name not in ("$schema", "$defs")}
    definitions = {CONFIGURATION: part, **configuration.get("$defs", {})}
    own = chart.get("$defs", {})
    if twice := sorted(definitions.keys() & own.keys()):
        raise ValueError(f"defined by the chart and by the settings: {', '.join(twice)}; rename it in {SOURCE}")
    return {**chart, "$defs": {**own, **definitions}}


def rendered(chart: Path) -> str:
    """Content of values.schema.json for the chart in a folder."""
    own = yaml.safe_load((chart / SOURCE).read_text())
    return json.dumps(values_schema(own, schema()), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m lucidray.launcher.chart_schema", description=__doc__)
    parser.add_argument("chart", type=Path, help="folder of the chart")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when it is not current")
    arguments = parser.parse_args()
    content, target = rendered(arguments.chart), arguments.chart / TARGET
    if not arguments.check:
        target.write_text(content)
    elif not target.exists() or target.read_text() != content:
        sys.exit(f"{target} is not current; write it with `make chart`")


if __name__ == "__main__":
    main()
