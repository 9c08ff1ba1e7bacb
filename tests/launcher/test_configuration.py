"""Settings from file and environment, shown and described."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from lucidray.core.errors import Permanent
from lucidray.core.settings import forget_file
from lucidray.launcher.configuration import effective, schema, sections
from lucidray.launcher.main import app

SERVICES = {"gateway", "dispatch", "deidentify", "harmonize", "segment", "quantify", "predict", "explain", "encode"}
SERVICES |= {"deliver", "console", "core", "bus", "store", "worker"}


@pytest.fixture(autouse=True)
def no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUCIDRAY_CONFIG", raising=False)
    forget_file()


def test_each_room_declares_its_settings() -> None:
    assert set(sections()) >= SERVICES


def test_every_setting_is_described() -> None:
    bare = [
        f"{name}.{field}"
        for name, section in sections().items()
        for field, facts in section.model_fields.items()
        if not facts.description and field not in ("enabled",)
    ]
    assert bare == []


def test_what_is_shown_can_be_a_configuration_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = effective()
    shown = CliRunner().invoke(app, ["config", "show"])
    assert shown.exit_code == 0
    (tmp_path / "lucidray.yaml").write_text(shown.output)
    monkeypatch.setenv("LUCIDRAY_CONFIG", str(tmp_path / "lucidray.yaml"))
    forget_file()
    assert effective() == before


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lucidray.yaml").write_text(
        yaml.safe_dump({"dispatch": {"quiet_seconds": 7}, "gateway": {"port": 104}})
    )
    monkeypatch.setenv("LUCIDRAY_CONFIG", str(tmp_path / "lucidray.yaml"))
    monkeypatch.setenv("LUCIDRAY_GATEWAY__PORT", "11112")
    forget_file()
    shown = effective()
    assert (shown["dispatch"]["quiet_seconds"], shown["gateway"]["port"]) == (7, 11112)


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCIDRAY_DISPATCH__QUIET_SECONDS", "soon")
    with pytest.raises(Permanent) as caught:
        effective()
    assert caught.value.thing == "setting dispatch.quiet_seconds"
    assert "config schema" in caught.value.remedy


def test_what_comes_with_lucidray_is_right() -> None:
    checked = CliRunner().invoke(app, ["config", "check"])
    assert checked.exit_code == 0
    assert "pet-ct-tumour" in checked.output


def test_a_workflow_that_could_not_work_is_named_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = {"name": "x", "when": "true", "inputs": {}, "slip": [{"step": "harmonize"}]}
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(workflow))
    monkeypatch.setenv("LUCIDRAY_DISPATCH__WORKFLOWS", f"[{tmp_path}]")
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path / "data"))
    for command in (["config", "check"], ["up"]):
        failure = CliRunner().invoke(app, command).exception
        assert isinstance(failure, Permanent)
        assert "x.yaml" in failure.thing and "deidentify" in failure.cause
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("name", "remedy"), [("gatway", "write 'gateway'"), ("zzz", "choose one of")])
def test_a_section_that_nobody_reads_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, remedy: str
) -> None:
    (tmp_path / "lucidray.yaml").write_text(yaml.safe_dump({name: {"port": 104}}))
    monkeypatch.setenv("LUCIDRAY_CONFIG", str(tmp_path / "lucidray.yaml"))
    forget_file()
    with pytest.raises(Permanent, match=f"'{name}'.*{remedy}"):
        effective()


def test_the_schema_knows_no_other_sections() -> None:
    printed = CliRunner().invoke(app, ["config", "schema"])
    assert json.loads(printed.output) == schema()
    assert schema()["additionalProperties"] is False
    assert set(schema()["properties"]) == set(sections())
