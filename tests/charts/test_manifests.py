"""What Kubernetes is asked for."""

import helm_python
import kubernetes_validate
import pytest
import yaml
from tests.charts.release import (
    ANALYSIS,
    CHART,
    CI,
    CLINICAL,
    Object,
    merged,
    notes,
    of_kind,
    pod,
    render,
    secrets,
    values,
    workloads,
)

KUBERNETES = "1.34"
WARNING = 2


@pytest.fixture(params=CI)
def objects(request: pytest.FixtureRequest) -> list[Object]:
    return render(values(request.param))


@pytest.mark.parametrize("name", CI)
def test_lint(name: str) -> None:
    report = helm_python.lint(CHART, values(name), strict=True)
    assert [each for each in report["messages"] if each["severity"] >= WARNING] == []
    assert report["errors"] == []


def test_every_object_is_valid(objects: list[Object]) -> None:
    for each in objects:
        kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_a_workload_for_each_service(objects: list[Object]) -> None:
    found = workloads(objects)
    assert set(found) == {*ANALYSIS, *CLINICAL}
    assert {name for name, each in found.items() if each["kind"] == "StatefulSet"} == {"gateway"}


def test_all_on_sets_all_that_can_be_set() -> None:
    """A value that this file leaves out would never be rendered by a test."""
    schema = yaml.safe_load((CHART / "values.schema.yaml").read_text())
    everything = values("all-on")
    workload = set(schema["$defs"]["Workload"]["properties"]) - {"resources"}
    used = {field for name in (*ANALYSIS, *CLINICAL) for field in everything[name]}
    assert workload <= used
    assert set(schema["properties"]) - set(everything) <= {"global", "nameOverride"}


def test_every_pod_is_restricted(objects: list[Object]) -> None:
    for workload in workloads(objects).values():
        spec = pod(workload)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"/tmp", "/var/lib/lucidray"} <= {each["mountPath"] for each in container["volumeMounts"]}


def test_accounts_have_no_token(objects: list[Object]) -> None:
    accounts = of_kind(objects, "ServiceAccount")
    for name, workload in workloads(objects).items():
        assert pod(workload)["serviceAccountName"] == accounts[name]["metadata"]["name"]
        assert accounts[name]["automountServiceAccountToken"] is False


def test_selectors_find_their_pods_and_no_others(objects: list[Object]) -> None:
    labels = {name: each["spec"]["template"]["metadata"]["labels"] for name, each in workloads(objects).items()}

    def found(selector: dict[str, str]) -> set[str]:
        return {name for name, each in labels.items() if selector.items() <= each.items()}

    for name, workload in workloads(objects).items():
        assert found(workload["spec"]["selector"]["matchLabels"]) == {name}
    for name, policy in of_kind(objects, "NetworkPolicy").items():
        assert found(policy["spec"]["podSelector"]["matchLabels"]) == {name}
    for name, budget in of_kind(objects, "PodDisruptionBudget").items():
        assert found(budget["spec"]["selector"]["matchLabels"]) == {name}
    for name, service in of_kind(objects, "Service").items():
        assert found(service["spec"]["selector"]) == ({name} if name else set(labels))


def test_ports_by_name_exist(objects: list[Object]) -> None:
    ports = {
        name: {port["name"] for port in pod(each)["containers"][0]["ports"]}
        for name, each in workloads(objects).items()
    }
    for name, service in of_kind(objects, "Service").items():
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in ports[name or "segment"]
    for name, each in workloads(objects).items():
        container = pod(each)["containers"][0]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] in ports[name]


def test_budget_where_a_replica_may_go() -> None:
    assert of_kind(render(values("minimal")), "PodDisruptionBudget") == {}
    assert set(of_kind(render(values("all-on")), "PodDisruptionBudget")) == {*ANALYSIS, *CLINICAL}


@pytest.mark.parametrize("grace", [0, 20, 47.5, 3600])
def test_pods_get_longer_than_workers(grace: float) -> None:
    changed = merged(values("minimal"), {"config": {"worker": {"grace_seconds": grace}}})
    for workload in workloads(render(changed)).values():
        assert pod(workload)["terminationGracePeriodSeconds"] > grace + 10


def test_gateway_replicas_have_names_and_volumes() -> None:
    gateway = workloads(render(values("all-on")))["gateway"]
    (claim,) = gateway["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    container = pod(gateway)["containers"][0]
    assert {"name": claim["metadata"]["name"], "mountPath": "/var/lib/lucidray"} in container["volumeMounts"]
    identity = next(each for each in container["env"] if each["name"] == "LUCIDRAY_GATEWAY__GATEWAY_ID")
    assert identity["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_analysis_pods_have_no_clinical_secret() -> None:
    given = values("all-on")
    for name, workload in workloads(render(given)).items():
        expected = {"kafka-user/secret", "kafka-user/ca.crt"}
        zone = "analysis" if name in ANALYSIS else "clinical"
        expected |= {f"s3/{zone}-id", f"s3/{zone}-secret"}
        expected |= {
            "gateway": {"databases/gateway", "keys/site.key"},
            "dispatch": {"databases/dispatch", "keys/site.key"},
            "deidentify": {"databases/vault-url", "keys/site.key", "keys/vault.key"},
            "reidentify": {"databases/vault-url", "keys/site.key", "keys/vault.key"},
            "deliver": {"databases/deliver"},
            "console": {"databases/console", "keys/site.key", "console/secret"},
        }.get(name, set())
        assert secrets(workload) == expected, name


def test_reidentify_is_deidentify_with_an_argument() -> None:
    found = workloads(render(values("all-on")))
    deidentify, reidentify = (pod(found[name])["containers"][0] for name in ("deidentify", "reidentify"))
    assert reidentify["image"] == deidentify["image"] == "registry.example.org/imaging/lucidray-deidentify:0.1.0-1"
    assert reidentify["args"] == ["reidentify"]
    assert "args" not in deidentify


def test_ingress_leads_to_the_console() -> None:
    objects = render(values("all-on"))
    backend = of_kind(objects, "Ingress")["console"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    console = of_kind(objects, "Service")["console"]
    assert backend["name"] == console["metadata"]["name"]
    assert backend["port"]["name"] in {port["name"] for port in console["spec"]["ports"]}
    assert of_kind(render(values("minimal")), "Ingress") == {}


def test_a_load_balancer_admits_the_pacs_alone() -> None:
    service = of_kind(render(values("minimal")), "Service")["gateway"]["spec"]
    assert service["type"] == "LoadBalancer"
    assert service["loadBalancerSourceRanges"] == ["192.0.2.10/32"]
    assert service["externalTrafficPolicy"] == "Local"


def test_no_kind_that_the_cluster_may_lack() -> None:
    """The monitor of the Prometheus operator is left out, and said so, where its kind is unknown."""
    assert of_kind(render(values("all-on")), "ServiceMonitor") == {}
    assert "knows no ServiceMonitor" in notes(values("all-on"))


def test_replicas_spread_among_themselves() -> None:
    segment = workloads(render(values("all-on")))["segment"]
    (constraint,) = pod(segment)["topologySpreadConstraints"]
    assert constraint["labelSelector"] == segment["spec"]["selector"]
    assert constraint["maxSkew"] == 1


def test_metrics_are_announced() -> None:
    service = of_kind(render(values("minimal")), "Service")[""]
    assert service["spec"]["clusterIP"] == "None"
    assert service["metadata"]["annotations"]["prometheus.io/port"] == "9090"


def test_long_release_names_fit() -> None:
    """Kubernetes allows 63 characters in a name; controllers append to it."""
    given = merged(values("all-on"), {"fullnameOverride": "x" * 53})
    for workload in workloads(render(given)).values():
        assert len(workload["metadata"]["name"]) <= 52
