"""One life of a release on a real control plane: refused, installed, upgraded, rolled back, removed."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import helm_python
import pytest
from tests.charts.control_plane import Cluster, control_plane
from tests.charts.release import ANALYSIS, CHART, CLINICAL, NAMESPACE, merged, values

CORE = f"/api/v1/namespaces/{NAMESPACE}"
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
EVERY = {*ANALYSIS, *CLINICAL}
SECONDS = 60.0
SECRETS = {
    "s3-clinical": ("accessKeyId", "secretAccessKey"),
    "s3-analysis": ("accessKeyId", "secretAccessKey"),
    "databases": ("gateway", "dispatch", "vault", "deliver", "console"),
    "site-key": ("site.key",),
    "vault-key": ("vault.key",),
    "console-token": ("token",),
}
# What a release cannot change while it lives: names, and the class and size of volumes.
SAME_RELEASE = {"fullnameOverride": "", "gateway": {"persistence": {"size": "100Gi", "storageClass": ""}}}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with control_plane() as running:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        running.make("/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
        for name, keys in SECRETS.items():
            running.make(f"{CORE}/secrets", {"metadata": {"name": name}, "stringData": dict.fromkeys(keys, "0" * 64)})
        assert eventually(lambda: bool(running.items(f"{CORE}/serviceaccounts")))  # the controllers are at work
        yield running


def component(item: dict[str, Any]) -> str:
    name: str = item["metadata"]["labels"]["app.kubernetes.io/component"]
    return name


def generations(cluster: Cluster) -> dict[str, int]:
    """How often each workload's wish was changed, by component."""
    found = cluster.items(f"{APPS}/deployments") + cluster.items(f"{APPS}/statefulsets")
    return {component(each): each["metadata"]["generation"] for each in found}


def pods(cluster: Cluster) -> list[str]:
    return sorted(component(each) for each in cluster.items(f"{CORE}/pods"))


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it becomes true: controllers act in their own time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def refused(cluster: Cluster) -> list[str]:
    """What admission said to the controllers."""
    return [each["message"] for each in cluster.items(f"{CORE}/events") if each["reason"] == "FailedCreate"]


def test_admission_is_real(cluster: Cluster) -> None:
    """Else the next test would show nothing."""
    sloppy = {"metadata": {"name": "sloppy"}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    status, answer = cluster.call("POST", f"{CORE}/pods", sloppy)
    assert status == 403
    assert "restricted" in answer["message"]


def test_life_of_a_release(cluster: Cluster) -> None:
    given = values("minimal")
    with helm_python.Config(kubeconfig_path=cluster.kubeconfig, namespace=NAMESPACE) as helm:
        helm.install(str(CHART), "lucidray", given, namespace=NAMESPACE)
        assert eventually(lambda: pods(cluster) == sorted(EVERY)), refused(cluster)
        assert refused(cluster) == []
        assert [each["metadata"]["name"] for each in cluster.items(f"{CORE}/persistentvolumeclaims")] == [
            "data-lucidray-gateway-0"
        ]
        first = generations(cluster)
        assert set(first) == EVERY

        changed = merged(given, {"config": {"segment": {"contour_points": 1000}}})
        helm.upgrade(str(CHART), "lucidray", changed, namespace=NAMESPACE)
        second = generations(cluster)
        assert {name for name in EVERY if second[name] != first[name]} == {"segment"}
        assert helm.status("lucidray")["revision"] == 2
        # The new pod waits for a node, and the old one stays until it is ready.
        assert eventually(lambda: pods(cluster).count("segment") == 2)
        assert refused(cluster) == []

        helm.upgrade(str(CHART), "lucidray", merged(values("all-on"), SAME_RELEASE), namespace=NAMESPACE)
        assert eventually(lambda: pods(cluster).count("gateway") == 2), refused(cluster)
        helm.rollback("lucidray", version=1)
        assert [each["revision"] for each in helm.history("lucidray")] == [1, 2, 3, 4]
        assert refused(cluster) == []

        helm.uninstall("lucidray")
        assert eventually(lambda: generations(cluster) == {})
        assert cluster.items(f"{CORE}/persistentvolumeclaims"), "acknowledged objects outlive the release"
