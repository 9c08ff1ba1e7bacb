"""Who may talk to whom."""

from typing import Any

import pytest
from tests.charts.release import ANALYSIS, CI, CLINICAL, Object, merged, of_kind, render, values

DATABASE_PORTS = {5432, 6432}
PACS = [{"ipBlock": {"cidr": "192.0.2.0/24"}}, {"ipBlock": {"cidr": "198.51.100.7/32"}}]


def policies(name: str) -> dict[str, Object]:
    return {each: policy["spec"] for each, policy in of_kind(render(values(name)), "NetworkPolicy").items()}


def ports(rules: list[dict[str, Any]]) -> set[int | str]:
    return {port["port"] for rule in rules for port in rule["ports"]}


@pytest.mark.parametrize("name", CI)
def test_all_is_denied_but_what_is_listed(name: str) -> None:
    found = policies(name)
    assert set(found) == {*ANALYSIS, *CLINICAL}
    for policy in found.values():
        assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
        assert all(rule["ports"] for rule in (*policy["ingress"], *policy["egress"]))


def test_analysis_reaches_bus_store_and_names_alone() -> None:
    for name in ANALYSIS:
        policy = policies("all-on")[name]
        assert ports(policy["egress"]) == {53, 9094, 8333}
        assert all("to" in rule for rule in policy["egress"])
        assert ports(policy["ingress"]) == {"health"}


def test_clinical_services_with_tables_reach_the_databases() -> None:
    for name in CLINICAL:
        assert ports(policies("all-on")[name]["egress"]) >= DATABASE_PORTS


def test_the_pacs_reaches_the_gateway_alone() -> None:
    for name, policy in policies("all-on").items():
        from_pacs = [rule for rule in policy["ingress"] if rule.get("from") == PACS]
        assert [ports([rule]) for rule in from_pacs] == ([{"dicom"}] if name == "gateway" else []), name


def test_deliver_alone_reaches_the_pacs() -> None:
    for name, policy in policies("all-on").items():
        to_pacs = [rule for rule in policy["egress"] if rule.get("to") == PACS]
        assert [ports([rule]) for rule in to_pacs] == ([{104, 11113}] if name == "deliver" else []), name


def test_browsers_reach_the_console_alone() -> None:
    open_ports = {name: ports(policy["ingress"]) for name, policy in policies("all-on").items()}
    assert {name for name, each in open_ports.items() if "http" in each} == {"console"}


def test_policies_can_be_left_to_others() -> None:
    given = merged(values("minimal"), {"networkPolicy": {"enabled": False}})
    assert of_kind(render(given), "NetworkPolicy") == {}
