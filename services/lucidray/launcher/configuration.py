"""The union of all rooms' settings: what `lucidray config` shows."""

import difflib
import importlib
import json
import pkgutil
from typing import Any

import lucidray
from lucidray.core.errors import Permanent
from lucidray.core.settings import Section, sections_of_file


def sections() -> dict[str, type[Section]]:
    """Every settings section by name. Each is declared in its room's `settings` module."""
    for module in pkgutil.walk_packages(lucidray.__path__, "lucidray."):
        if module.name.rsplit(".", 1)[-1] == "settings":
            importlib.import_module(module.name)
    found: dict[str, type[Section]] = {}
    pending = list(Section.__subclasses__())
    while pending:
        each = pending.pop()
        pending.extend(each.__subclasses__())
        found[each.section] = each
    return dict(sorted(found.items()))


def check_sections() -> None:
    """Look for sections that no room declares; each room reads only its own, so none would miss them.

    Raises
    ------
    Permanent
        The configuration file has one; names it and the one that may be meant.
    """
    known = list(sections())
    for name in sections_of_file():
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            raise Permanent(
                f"section '{name}' of the configuration file",
                "there is no such section",
                f"write '{close[0]}'" if close else f"choose one of {', '.join(known)}",
            )


def schema() -> dict[str, Any]:
    """JSON schema of the configuration file."""
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for name, model in sections().items():
        part = model.model_json_schema()
        definitions.update(part.pop("$defs", {}))
        properties[name] = part
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Lucidray configuration",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "$defs": definitions,
    }


def check() -> list[str]:
    """Look at settings and workflows as `lucidray up` would find them; the names of the workflows.

    Raises
    ------
    Permanent
        One is wrong; the first is named.
    """
    from lucidray.dispatch.settings import DispatchSettings
    from lucidray.dispatch.workflow import load_workflows

    effective()
    return [workflow.name for workflow in load_workflows(DispatchSettings.load().workflows)]


def effective() -> dict[str, Any]:
    """The settings as they are in force, with the environment applied; secrets are files, so none is shown."""
    check_sections()
    return {name: json.loads(model.load().model_dump_json()) for name, model in sections().items()}
