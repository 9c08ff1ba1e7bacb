"""Settings of the bus."""

from pathlib import Path

import pytest

from lucidray.bus import BusSettings
from lucidray.core.errors import Permanent


def test_one_machine_needs_no_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LUCIDRAY_CORE__DATA", str(tmp_path))
    settings = BusSettings.load()
    assert settings.kind == "sqlite"
    assert settings.file() == tmp_path / "bus.db"
    assert BusSettings.load({"path": "/elsewhere/log.db"}).file() == Path("/elsewhere/log.db")


@pytest.mark.parametrize("value", ["a:9092, b:9093", "[a:9092, 'b:9093']"])
def test_servers_come_as_a_list_or_separated_by_commas(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LUCIDRAY_BUS__KIND", "kafka")
    monkeypatch.setenv("LUCIDRAY_BUS__BOOTSTRAP_SERVERS", value)
    assert BusSettings.load().bootstrap_servers == ("a:9092", "b:9093")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "kafka"}, "needs bootstrap_servers"),
        ({"security_protocol": "SASL_SSL", "sasl_username": "u"}, "needs sasl_username and sasl_password_file"),
        ({"security_protocol": "TLS"}, "setting bus.security_protocol"),
        ({"sasl_password": "secret"}, "setting bus.sasl_password"),  # never in the file itself
    ],
)
def test_what_cannot_work_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(Permanent, match=message):
        BusSettings.load(values)


@pytest.mark.parametrize(
    ("protocol", "logs_in", "encrypts"),
    [("PLAINTEXT", False, False), ("SSL", False, True), ("SASL_PLAINTEXT", True, False), ("SASL_SSL", True, True)],
)
def test_protocols_say_what_they_do(protocol: str, logs_in: bool, encrypts: bool) -> None:
    settings = BusSettings.load({"security_protocol": protocol, "sasl_username": "u", "sasl_password_file": "f"})
    assert (settings.logs_in, settings.encrypts) == (logs_in, encrypts)
