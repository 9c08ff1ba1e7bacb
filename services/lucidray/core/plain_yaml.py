"""YAML from outside, of which every fault is a `yaml.YAMLError`."""

from typing import Any

import yaml


def parse_yaml(text: str) -> Any:
    """The content of a YAML text, of plain types.

    Raises
    ------
    yaml.YAMLError
        It is not plain YAML. PyYAML lets other errors out for a date that no calendar has, a number of thousands of
        digits, and collections that are nested a thousand deep.
    """
    try:
        return yaml.safe_load(text)
    except (ValueError, RecursionError) as error:
        raise yaml.YAMLError(str(error)) from None
