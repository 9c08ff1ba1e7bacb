"""Settings: a YAML file and the environment, one section a room.

Each room declares a `Section` beside its code; a process reads only its own. The file is
named by ``LUCIDRAY_CONFIG``; ``LUCIDRAY_<SECTION>__<FIELD>`` overrides a field of it.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lucidray.core.errors import Permanent
from lucidray.core.identity import SiteKey, load_site_key
from lucidray.core.plain_yaml import parse_yaml


class Section(BaseModel):
    """Settings of one room. Subclasses set `section` and declare typed, described fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    section: ClassVar[str]

    @classmethod
    def load(cls, overrides: dict[str, Any] | None = None) -> Self:
        """Read this section from the file and the environment.

        Raises
        ------
        Permanent
            The file cannot be read, or a value is unknown or wrong; names the field.
        """
        values = _of_file(cls.section)
        values.update(_environment(cls.section))
        values.update(overrides or {})
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join([cls.section, *(str(part) for part in first["loc"])])
            raise Permanent(
                f"setting {field}", first["msg"], "see `lucidray config schema` for what is allowed"
            ) from None


class CoreSettings(Section):
    """What every process needs to know."""

    section: ClassVar[str] = "core"

    data: Path = Field(Path("var"), description="Folder of the embedded bus, stores and databases")
    site_key_file: Path | None = Field(
        None, description="File with the site key (hex); default <data>/secrets/site.key. Clinical zone only"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="Least severe level that is logged"
    )
    log_human: bool = Field(False, description="Coloured log lines instead of JSON")
    http_host: str = Field("127.0.0.1", description="Address of /metrics, /healthz and /readyz")
    http_port: int = Field(0, description="Port of /metrics, /healthz and /readyz; 0: any free one", ge=0, le=65535)

    def site_key(self) -> SiteKey:
        """The site key; only services of the clinical zone may have it."""
        return load_site_key(self.site_key_file or self.data / "secrets" / "site.key")


@cache
def _file() -> dict[str, Any]:
    path = os.environ.get("LUCIDRAY_CONFIG")
    if not path:
        return {}
    try:
        content = parse_yaml(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Permanent(
            f"configuration file {path}",
            f"cannot be read ({type(error).__name__})",
            "correct it or unset LUCIDRAY_CONFIG",
        ) from None
    if not isinstance(content, dict | None):
        raise Permanent(f"configuration file {path}", "is not a mapping of sections", "see `lucidray config show`")
    return content or {}


def _of_file(section: str) -> dict[str, Any]:
    values = _file().get(section)
    if not isinstance(values, dict | None):
        raise Permanent(
            f"section '{section}' of the configuration file",
            f"it is a {type(values).__name__} instead of a mapping of settings",
            "see `lucidray config show`",
        )
    return dict(values or {})


def sections_of_file() -> list[str]:
    """Names of the sections in the configuration file, whether or not a room declares them."""
    return [str(name) for name in _file()]


def forget_file() -> None:
    """Read the file again at the next `Section.load`; for tests."""
    _file.cache_clear()


def _environment(section: str) -> dict[str, Any]:
    prefix = f"LUCIDRAY_{section.upper()}__"
    return {
        name.removeprefix(prefix).lower(): _value(name, value)
        for name, value in os.environ.items()
        if name.startswith(prefix)
    }


def _value(name: str, text: str) -> Any:
    try:
        return parse_yaml(text)
    except yaml.YAMLError:
        raise Permanent(f"environment variable {name}", "its value is no YAML", "put text into quotes") from None
