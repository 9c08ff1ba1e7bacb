"""The configuration that the chart renders is the one that the services read."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml
from tests.charts.release import ANALYSIS, CHART, CI, CLINICAL, Object, merged, of_kind, pod, render, values, workloads

from lucidray.contracts.catalogue import STEPS
from lucidray.core import settings
from lucidray.launcher.chart_schema import SOURCE, TARGET, values_schema
from lucidray.launcher.configuration import sections

CLINICAL_SECTIONS = {"gateway", "dispatch", "deidentify", "deliver", "console"}


def configuration(objects: list[Object], zone: str) -> str:
    text: str = of_kind(objects, "ConfigMap")[""]["data"][f"{zone}.yaml"]
    return text


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Without settings of this machine."""
    for name in [name for name in os.environ if name.startswith("LUCIDRAY_")]:
        monkeypatch.delenv(name)
    yield monkeypatch
    monkeypatch.undo()
    settings.forget_file()


@pytest.mark.parametrize("zone", ["clinical", "analysis"])
@pytest.mark.parametrize("name", CI)
def test_every_section_loads(name: str, zone: str, tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    file = tmp_path / "lucidray.yaml"
    file.write_text(configuration(render(values(name)), zone))
    environment.setenv("LUCIDRAY_CONFIG", str(file))
    settings.forget_file()
    rendered = yaml.safe_load(file.read_text())
    known = {name: model for name, model in sections().items() if model.__module__.startswith("lucidray.")}
    assert rendered.keys() <= known.keys()
    for section, model in known.items():
        loaded = model.load().model_dump(mode="json")
        assert all(_holds(loaded[field], value) for field, value in rendered.get(section, {}).items())


def _holds(loaded: Any, given: Any) -> bool:
    """Whether a setting is what was given, beside defaults."""
    if isinstance(given, dict):
        return all(_holds(loaded[name], value) for name, value in given.items())
    if isinstance(given, list):
        return len(loaded) == len(given) and all(map(_holds, loaded, given))
    return bool(loaded == given)


@pytest.mark.parametrize("name", CI)
def test_analysis_learns_nothing_clinical(name: str) -> None:
    objects = render(values(name))
    analysis = yaml.safe_load(configuration(objects, "analysis"))
    assert not CLINICAL_SECTIONS & analysis.keys()
    assert "site_key_file" not in analysis["core"]
    assert "clinical" not in configuration(objects, "analysis")
    for component, workload in workloads(objects).items():
        zone = "analysis" if component in ANALYSIS else "clinical"
        (volume,) = (each for each in pod(workload)["volumes"] if each["name"] == "config")
        (source,) = (each["configMap"] for each in volume["projected"]["sources"] if "configMap" in each)
        assert source["items"] == [{"key": f"{zone}.yaml", "path": "lucidray.yaml"}]


def test_files_that_are_named_are_mounted() -> None:
    objects = render(values("all-on"))
    for component, workload in workloads(objects).items():
        zone = "analysis" if component in ANALYSIS else "clinical"
        named = {
            (section, field): value
            for section, fields in yaml.safe_load(configuration(objects, zone)).items()
            for field, value in fields.items()
            if field.endswith("file")
        }
        (volume,) = (each for each in pod(workload)["volumes"] if each["name"] == "config")
        mounted = {
            f"/etc/lucidray/{item['path']}"
            for source in volume["projected"]["sources"]
            for item in next(iter(source.values()))["items"]
        }
        reads = {"core", "bus", "store"} | read_sections(component)
        wanted = {path for (section, _), path in named.items() if section in reads}
        # deliver asks for no key of the site: it never derives an opaque identifier.
        assert wanted - mounted == ({"/etc/lucidray/site.key"} if component == "deliver" else set()), component


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("lucidray", cache_dir=None)


def read_sections(component: str) -> set[str]:
    """The sections whose change rolls a component, found by changing each."""
    return {section for section in CHANGES if checksums(section)[component] != checksums()[component]}


@cache
def checksums(section: str | None = None) -> dict[str, str]:
    """By component, with one section changed."""
    change: Object = {section: CHANGES[section]} if section else {}
    rendered = workloads(render(merged(values("minimal"), {"config": change})))
    return {
        name: each["spec"]["template"]["metadata"]["annotations"]["lucidray/config-checksum"]
        for name, each in rendered.items()
    }


CHANGES: dict[str, Object] = {
    "bundles": {"folders": ["/bundles"]},
    "bus": {"session_timeout_ms": 20_000},
    "console": {"cache_megabytes": 1},
    "core": {"log_level": "DEBUG"},
    "deidentify": {},
    "deliver": {"destinations": [{"name": "a", "host": "b", "port": 104, "called_ae_title": "C"}]},
    "dispatch": {"quiet_seconds": 7},
    "encode": {"device_serial_number": "7"},
    "explain": {"random_orders": 77},
    "gateway": {"ae_title": "OTHER"},
    "harmonize": {"voxels": 7},
    "predict": {"research_bundles": False},
    "quantify": {"preset_folders": ["/presets"]},
    "segment": {"contour_points": 7},
    "serving": {"threads": 7},
    "store": {"region": "elsewhere"},
    "worker": {"step_timeout_seconds": 77},
}
# Its settings are paths and URLs, all of them the chart's own.
UNCHANGEABLE = {"deidentify"}


def test_each_section_can_be_changed() -> None:
    assert set(CHANGES) == {name for name, each in sections().items() if each.__module__.startswith("lucidray.")}


@pytest.mark.parametrize("component", [*ANALYSIS, *CLINICAL])
def test_a_workload_rolls_when_what_it_reads_changes(component: str, imports: grimp.ImportGraph) -> None:
    """What it reads is what its imports declare; a step alone runs workers."""
    package = "lucidray.deidentify" if component == "reidentify" else f"lucidray.{component}"
    reached = imports.find_upstream_modules(package, as_package=True) | imports.find_descendants(package)
    expected = {name for name, model in sections().items() if model.__module__ in reached} - UNCHANGEABLE
    if component not in STEPS:
        expected -= {"worker"}  # imported with the frame of processes, never loaded
    assert read_sections(component) == expected


def test_the_schema_is_current() -> None:
    """In a process of its own: other tests declare sections, too."""
    command = [sys.executable, "-m", "lucidray.launcher.chart_schema", str(CHART), "--check"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_an_old_schema_is_noticed(tmp_path: Path) -> None:
    shutil.copy(CHART / SOURCE, tmp_path)
    content = (CHART / TARGET).read_text()
    (tmp_path / TARGET).write_text(content.replace('"quiet_seconds"', '"quiet_minutes"'))
    command = [sys.executable, "-m", "lucidray.launcher.chart_schema", str(tmp_path)]
    result = subprocess.run([*command, "--check"], capture_output=True, text=True)
    assert result.returncode == 1
    assert "is not current" in result.stderr
    subprocess.run(command, check=True)
    assert (tmp_path / TARGET).read_text() == content


def test_one_name_is_not_defined_twice() -> None:
    with pytest.raises(ValueError, match="Port"):
        values_schema({"$defs": {"Port": {}}}, {"$defs": {"Port": {}}})
