"""What is refused, and with which words."""

import helm_python
import pytest
from tests.charts.release import Object, merged, notes, refuse, render, values

MISTAKES: dict[str, tuple[Object, str]] = {
    "no brokers": ({"config": {"bus": {"bootstrap_servers": []}}}, "config.bus.bootstrap_servers is empty"),
    "embedded bus": ({"config": {"bus": {"kind": "sqlite"}}}, "config.bus.kind is sqlite"),
    "embedded store": ({"config": {"store": {"kind": "folder"}}}, "config.store.kind is folder"),
    "one bucket": (
        {"config": {"store": {"clinical_bucket": "a", "analysis_bucket": "a"}}},
        "identified objects need a bucket of their own",
    ),
    "log-in without password": (
        {"config": {"bus": {"security_protocol": "SASL_SSL", "sasl_username": "lucidray"}}},
        "kafka.existingSecret",
    ),
    "no credentials": ({"s3": {"clinical": {"existingSecret": ""}}}, "s3.clinical.existingSecret is empty"),
    "shared credentials": ({"s3": {"analysis": {"existingSecret": "s3-clinical"}}}, "are the same credentials"),
    "no databases": ({"databases": {"existingSecret": ""}}, "databases.existingSecret is empty"),
    "no site key": ({"siteKey": {"existingSecret": ""}}, "siteKey.existingSecret is empty"),
    "no vault key": ({"vaultKey": {"existingSecret": ""}}, "vaultKey.existingSecret is empty"),
    "console without token": ({"console": {"token": {"existingSecret": ""}}}, "open to the network"),
    "console on loopback": ({"config": {"console": {"host": "127.0.0.1"}}}, "config.console.host is 127.0.0.1"),
    "ingress without host": ({"console": {"ingress": {"enabled": True}}}, "console.ingress.host is empty"),
    "no PACS": ({"pacs": {"cidrs": []}}, "pacs.cidrs is empty"),
    "broker on another port": (
        {"config": {"bus": {"bootstrap_servers": ["kafka:9093"]}}},
        "networkPolicy.kafka.ports lacks the port of kafka:9093",
    ),
    "store on another port": (
        {"config": {"store": {"endpoint": "http://minio:9000"}}},
        "networkPolicy.s3.ports lacks port 9000",
    ),
    "store on the scheme's port": (
        {"config": {"store": {"endpoint": "http://minio"}}},
        "networkPolicy.s3.ports lacks port 80",
    ),
    "databases within reach": (
        {"networkPolicy": {"s3": {"ports": [443, 5432]}}},
        "the analysis zone could reach them",
    ),
    "path of a secret": (
        {"config": {"core": {"site_key_file": "/key"}}},
        "config.core.site_key_file is set by the chart",
    ),
    "health port": ({"config": {"core": {"http_port": 80}}}, "config.core.http_port is set by the chart"),
    "password in the open": (
        {"config": {"dispatch": {"database_url": "postgresql://u:p@h/d"}}},
        "config.dispatch.database_url would show a password",
    ),
    "vault in the open": (
        {"config": {"deidentify": {"vault_url": "postgresql://u:p@h/d"}}},
        "config.deidentify.vault_url would show a password",
    ),
    "one name for all replicas": ({"config": {"gateway": {"gateway_id": "g"}}}, "config.gateway.gateway_id"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_likely_mistake_is_named(name: str) -> None:
    change, expected = MISTAKES[name]
    with pytest.raises(helm_python.HelmRenderError) as refused:
        render(merged(values("minimal"), change))
    assert expected in str(refused.value)


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(helm_python.HelmRenderError) as refused:
        render({})
    for expected in ("bootstrap_servers", "databases", "siteKey", "vaultKey", "console.token", "pacs.cidrs"):
        assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"config": {"segment": {"contour_pionts": 5}}}, "contour_pionts"),
        ({"config": {"segmnet": {}}}, "segmnet"),
        ({"config": {"dispatch": {"quiet_seconds": -1}}}, "quiet_seconds"),
        ({"config": {"gateway": {"limits": {"connections": 10**6}}}}, "connections"),
        ({"config": {"deliver": {"destinations": [{"name": "a", "host": "b", "port": 104}]}}}, "called_ae_title"),
        ({"segment": {"replica": 2}}, "replica"),
        ({"console": {"ingres": {}}}, "ingres"),
        ({"gateway": {"persistence": {"sise": "1Gi"}}}, "sise"),
        ({"segmentation": {}}, "segmentation"),
        ({"pacs": {"cidrs": ["192.0.2.10"]}}, "cidrs"),
    ],
)
def test_the_schema_names_what_it_refuses(change: Object, named: str) -> None:
    given = merged(values("minimal"), change)
    with pytest.raises(helm_python.HelmValuesError) as refused:
        refuse(given)
    assert named in str(refused.value)
    with pytest.raises(helm_python.HelmError):
        render(given)


def test_notes_say_where_things_are() -> None:
    said = notes(values("minimal"))
    assert "AE title LUCIDRAY, port 11112" in said
    assert "service/lucidray-console" in said
    assert "returned to nobody" in said
