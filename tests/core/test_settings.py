"""Settings from file and environment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lucidray.core.errors import Permanent
from lucidray.core.settings import CoreSettings, forget_file


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LUCIDRAY_CONFIG", raising=False)
    forget_file()
    yield
    forget_file()


def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = tmp_path / "lucidray.yaml"
    path.write_text(text)
    monkeypatch.setenv("LUCIDRAY_CONFIG", str(path))


def test_defaults() -> None:
    assert CoreSettings.load().log_level == "INFO"


def test_environment_wins_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, monkeypatch, "core: {log_level: DEBUG, http_port: 9000}\n")
    monkeypatch.setenv("LUCIDRAY_CORE__HTTP_PORT", "9001")
    settings = CoreSettings.load()
    assert (settings.log_level, settings.http_port) == ("DEBUG", 9001)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("core: {http_port: many}", "core.http_port"),
        ("core: {htp_port: 1}", "core.htp_port"),
        ("[1, 2]", "not a mapping"),
        ("core: [", "cannot be read"),
        ("core: {log_level: FOO}", "core.log_level"),
        ("core: [1]", "'core'.*mapping"),
        ("core: text", "'core'.*mapping"),
    ],
)
def test_errors_name_the_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, named: str) -> None:
    write(tmp_path, monkeypatch, text)
    with pytest.raises(Permanent, match=named):
        CoreSettings.load()


def test_a_file_in_another_encoding_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lucidray.yaml").write_bytes("core: {data: Röntgen}".encode("latin-1"))
    monkeypatch.setenv("LUCIDRAY_CONFIG", str(tmp_path / "lucidray.yaml"))
    with pytest.raises(Permanent, match="cannot be read"):
        CoreSettings.load()


def test_an_environment_variable_that_is_no_yaml_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", "[secret: {")
    with pytest.raises(Permanent, match="LUCIDRAY_CORE__DATA") as caught:
        CoreSettings.load()
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LUCIDRAY_CONFIG", str(tmp_path / "none.yaml"))
    with pytest.raises(Permanent, match=r"none\.yaml"):
        CoreSettings.load()
