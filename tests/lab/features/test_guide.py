"""The guide to features says what happens: its Python prints what it shows, its commands work."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lucidray.launcher.main import app

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "features.md"
BLOCK = re.compile(r"^```(python|text|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(GUIDE.read_text("utf-8"))
    assert {kind for kind, _ in blocks} == {"python", "text", "console"}
    names: dict[str, Any] = {}
    for kind, content in blocks:
        if kind == "python":
            capsys.readouterr()
            exec(compile(content, str(GUIDE), "exec"), names)
        elif kind == "text":
            assert capsys.readouterr().out == content
        else:
            for line in content.splitlines():
                result = CliRunner().invoke(app, shlex.split(line.removeprefix("$ lucidray ")))
                assert result.exit_code == 0, (line, result.output)
                assert result.stdout, line
