"""The console refuses to be open to the network by mistake."""

from pathlib import Path

import pytest

from lucidray.console.settings import ConsoleSettings
from lucidray.core.errors import Permanent


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_this_machine_needs_no_token(host: str) -> None:
    assert ConsoleSettings(host=host).token() == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "console.hospital.example", "192.0.2.7"])
def test_a_network_address_needs_one(host: str) -> None:
    with pytest.raises(Permanent) as caught:
        ConsoleSettings(host=host).token()
    assert "console.token_file" in caught.value.remedy


def test_token_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("a-secret-of-some-length\n")
    assert ConsoleSettings(host="0.0.0.0", token_file=path).token() == "a-secret-of-some-length"


def test_short_or_missing_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with pytest.raises(Permanent, match="cannot be read"):
        ConsoleSettings(token_file=path).token()
    path.write_text("secret-xyz")
    with pytest.raises(Permanent) as caught:
        ConsoleSettings(token_file=path).token()
    assert "fewer than 16" in caught.value.cause
    assert "secret-xyz" not in str(caught.value)
