"""The chart, rendered as Helm would install it."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml

Object = dict[str, Any]

CHART = Path(__file__).parents[2] / "charts" / "lucidray"
CI = ("minimal", "all-on")
NAMESPACE = "imaging"
ANALYSIS = ("harmonize", "segment", "quantify", "predict", "explain", "encode")
CLINICAL = ("gateway", "dispatch", "deidentify", "reidentify", "deliver", "console")


def values(name: str) -> Object:
    """The values of a file in the chart's folder ci."""
    content: Object = yaml.safe_load((CHART / "ci" / f"{name}.yaml").read_text())
    return content


def merged(base: Object, change: Object) -> Object:
    """`base` with `change` laid over it, as Helm lays one values file over another."""
    both = dict(base)
    for name, value in change.items():
        old = both.get(name)
        both[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


@cache
def _chart() -> helm_python.Chart:
    return helm_python.Chart.load(CHART)


@cache
def _files(given: str) -> dict[str, str]:
    files: dict[str, str] = _chart().render(json.loads(given), name="lucidray", namespace=NAMESPACE)
    return files


@cache
def _objects(given: str) -> list[Object]:
    manifests = [content for name, content in _files(given).items() if not name.endswith("NOTES.txt")]
    return [each for content in manifests for each in yaml.load_all(content, yaml.CSafeLoader) if each]


def render(given: Object) -> list[Object]:
    """Every object of a release with these values, not to be changed; its notes are checked, too."""
    return _objects(json.dumps(given))


def notes(given: Object) -> str:
    """What Helm says after an installation."""
    return next(content for name, content in _files(json.dumps(given)).items() if name.endswith("NOTES.txt"))


def refuse(given: Object) -> None:
    """Check values against the schema; raises what Helm would say."""
    _chart().validate_schema(given)


def of_kind(objects: list[Object], *kinds: str) -> dict[str, Object]:
    """The objects of some kinds, by component ("" for what all share)."""
    return {
        each["metadata"]["labels"].get("app.kubernetes.io/component", ""): each
        for each in objects
        if each["kind"] in kinds
    }


def workloads(objects: list[Object]) -> dict[str, Object]:
    """Deployments and StatefulSets by component."""
    return of_kind(objects, "Deployment", "StatefulSet")


def pod(workload: Object) -> Object:
    """The pod's spec."""
    spec: Object = workload["spec"]["template"]["spec"]
    return spec


def secrets(workload: Object) -> set[str]:
    """Every "secret/key" that the pod mounts or reads as a variable."""
    return set(_mounted(pod(workload))) | set(_variables(pod(workload)))


def _mounted(spec: Object) -> Iterator[str]:
    for volume in spec["volumes"]:
        if "secret" in volume:
            yield f"{volume['secret']['secretName']}/*"
        for source in volume.get("projected", {}).get("sources", []):
            secret = source.get("secret")
            if secret:
                yield from (f"{secret['name']}/{item['key']}" for item in secret["items"])


def _variables(spec: Object) -> Iterator[str]:
    for container in spec["containers"]:
        for variable in container["env"]:
            secret = variable.get("valueFrom", {}).get("secretKeyRef")
            if secret:
                yield f"{secret['name']}/{secret['key']}"
