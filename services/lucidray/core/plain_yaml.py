"""YAML from outside, of which every fault is a `yaml.YAMLError`."""

from typing import Any

import yaml


class DuplicateKey(yaml.MarkedYAMLError):
    """A mapping has a key twice, of which PyYAML would keep the last without a word (YAML 1.2, section 3.2.1.1)."""


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """A mapping as it was written: one that others are merged into may have their keys again."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise DuplicateKey(None, None, "a key is there twice", key.start_mark)
                seen.add((key.tag, key.value))
        return node


def parse_yaml(text: str) -> Any:
    """The content of a YAML text, of plain types.

    Raises
    ------
    yaml.YAMLError
        It is not plain YAML, or says a thing twice. PyYAML lets other errors out for a date that no calendar has, a
        number of thousands of digits, and collections that are nested a thousand deep.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (ValueError, RecursionError) as error:
        raise yaml.YAMLError(str(error)) from None
