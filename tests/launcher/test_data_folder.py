"""Which data folder `lucidray up` uses, who may look into it, and what is said where it cannot be used."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from lucidray.core.errors import Permanent
from lucidray.core.settings import CoreSettings, forget_file
from lucidray.launcher.main import app
from lucidray.launcher.supervisor import prepare

ENVIRONMENT = "LUCIDRAY_CORE__DATA"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(ENVIRONMENT, "")  # so that what `up` sets is undone
    monkeypatch.delenv(ENVIRONMENT)
    monkeypatch.delenv("LUCIDRAY_CONFIG", raising=False)
    forget_file()
    yield
    forget_file()


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that `up` prepares; it goes no further."""
    seen: list[Path] = []

    def stop_here(data: Path) -> None:
        seen.append(data)
        assert CoreSettings.load().data == data
        raise Permanent("test", "it has seen enough", "")

    monkeypatch.setattr("lucidray.launcher.up.prepare", stop_here)
    # Loggers keep the stream that they first saw, and the runner closes its own.
    monkeypatch.setattr("lucidray.core.logging.configure", lambda *_, **__: None)
    return seen


@pytest.mark.parametrize(
    ("file", "environment", "given", "expected"),
    [
        ("", "", "", "var"),
        ("/file", "", "", "/file"),
        ("/file", "/environment", "", "/environment"),
        ("/file", "/environment", "/given", "/given"),
        ("", "/environment", "/given", "/given"),
    ],
)
def test_what_is_given_goes_before_the_environment_and_that_before_the_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    used: list[Path],
    file: str,
    environment: str,
    given: str,
    expected: str,
) -> None:
    if file:
        (tmp_path / "lucidray.yaml").write_text(yaml.safe_dump({"core": {"data": file}}))
        monkeypatch.setenv("LUCIDRAY_CONFIG", str(tmp_path / "lucidray.yaml"))
    if environment:
        monkeypatch.setenv(ENVIRONMENT, environment)
    result = CliRunner().invoke(app, ["up", *(["--data", given] if given else [])])
    assert isinstance(result.exception, Permanent)
    assert used == [Path(expected)]


def test_a_misspelt_section_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: list[Path]) -> None:
    (tmp_path / "lucidray.yaml").write_text("gatway: {port: 104}")
    monkeypatch.setenv("LUCIDRAY_CONFIG", str(tmp_path / "lucidray.yaml"))
    result = CliRunner().invoke(app, ["up"])
    assert isinstance(result.exception, Permanent)
    assert "write 'gateway'" in result.exception.remedy
    assert used == []


def test_a_new_folder_is_for_our_user_alone(tmp_path: Path) -> None:
    prepare(tmp_path / "new" / "data")
    assert (tmp_path / "new" / "data").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("place", ["/proc/lucidray", "file/data"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Permanent, match=r"data folder .*nothing can be written there .*--data"):
        prepare(tmp_path / place)
