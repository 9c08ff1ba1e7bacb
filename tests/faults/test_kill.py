"""kill -9 at each named commit point: the case completes once, and the PACS has each result once."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml
from pydicom import Dataset
from tests.house import House, running_house

from lucidray.core.errors import LucidrayError
from lucidray.core.faults import COMMIT_POINTS
from lucidray.launcher.verify import verify
from lucidray.phantom import PhantomStudy, make_study

pytestmark = [
    pytest.mark.faults,
    # pynetdicom leaves the socket of a refused connection to the garbage collector, and here peers are down.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

# The worker's points are met by every step: one step of each process stands for the others.
SCOPED = [
    f"{point}:{step}"
    for point in COMMIT_POINTS
    if point.startswith("worker.")
    for step in ("deidentify", "segment", "deliver")
]
POINTS = [point for point in COMMIT_POINTS if not point.startswith("worker.")] + SCOPED


@pytest.fixture(scope="module")
def study() -> PhantomStudy:
    return make_study(21)


@pytest.fixture
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    workflow = {
        "name": "short",
        "when": "true",
        "inputs": {
            "CT": {"select": "series.Modality == 'CT'"},
            "RTSTRUCT": {"select": "series.Modality == 'RTSTRUCT'"},
        },
        "slip": [{"step": step} for step in ("deidentify", "harmonize", "segment", "encode", "reidentify", "deliver")],
    }
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "short.yaml").write_text(yaml.safe_dump(workflow))
    environment = {
        "LUCIDRAY_CRASH_AT": request.param,
        "LUCIDRAY_CRASH_ONCE": str(tmp_path / "crashed"),
        "LUCIDRAY_DISPATCH__WORKFLOWS": str([str(tmp_path / "workflows")]),
        "LUCIDRAY_DISPATCH__QUIET_SECONDS": "1",
        "LUCIDRAY_BUS__LEASE_SECONDS": "2",
        "LUCIDRAY_WORKER__PROCESSES": "1",
    }
    with running_house(tmp_path, environment) as house:
        yield house


@pytest.mark.parametrize("house", POINTS, indirect=True)
def test_the_case_completes_once(house: House, study: PhantomStudy) -> None:
    images = [each for each in study.datasets if each.Modality in ("CT", "RTSTRUCT")]
    send_until_accepted(house, images)
    house.wait(lambda cases: [case for case in cases if case["state"] == "completed"])
    assert (house.folder / "crashed").exists(), "the process was never killed: the test proves nothing"
    (case,) = [case for case in house.cases() if case["case_id"].startswith("c")]
    assert case["state"] == "completed"
    findings = verify(house.results(study.study_instance_uid), images, None)
    assert findings.problems == []


def send_until_accepted(house: House, images: Sequence[Dataset]) -> None:
    """What a PACS does: it sends again what was not acknowledged."""

    def accepted(_cases: object) -> bool:
        try:
            return not house.send(images).failed
        except LucidrayError:
            return False

    house.wait(accepted)
