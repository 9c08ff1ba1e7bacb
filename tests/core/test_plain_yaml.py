"""YAML from outside: every fault is the one error that callers know."""

import pytest
import yaml

from lucidray.core.plain_yaml import DuplicateKey, parse_yaml


@pytest.mark.parametrize(
    "text",
    ["name: 2001-99-99", "value: " + "1" * 5000, "[" * 5000, "{a: " * 3000, "!!python/object/apply:os.system [id]"],
    ids=["date", "number", "lists", "mappings", "object"],
)
def test_what_is_not_plain_yaml_is_a_yaml_error(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        parse_yaml(text)


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3", "x: [{y: {a: 1, 'a': 1}}]"])
def test_a_key_that_is_there_twice_is_an_error_with_its_place(text: str) -> None:
    with pytest.raises(DuplicateKey, match=r"twice[\s\S]*line \d"):
        parse_yaml(text)


def test_merged_keys_may_be_overridden() -> None:
    assert parse_yaml("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}")["b"] == {"x": 3, "y": 2}


def test_plain_yaml_reads() -> None:
    assert parse_yaml("{a: [1, 2.5, x], b: null}") == {"a": [1, 2.5, "x"], "b": None}
