"""YAML from outside: every fault is the one error that callers know."""

import pytest
import yaml

from lucidray.core.plain_yaml import parse_yaml


@pytest.mark.parametrize(
    "text",
    ["name: 2001-99-99", "value: " + "1" * 5000, "[" * 5000, "{a: " * 3000, "!!python/object/apply:os.system [id]"],
    ids=["date", "number", "lists", "mappings", "object"],
)
def test_what_is_not_plain_yaml_is_a_yaml_error(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        parse_yaml(text)


def test_plain_yaml_reads() -> None:
    assert parse_yaml("{a: [1, 2.5, x], b: null}") == {"a": [1, 2.5, "x"], "b": None}
