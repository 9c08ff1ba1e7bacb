"""Where a step finds its inputs."""

from pathlib import Path

import pytest

from lucidray.contracts.catalogue import ANALYSIS, FORMER, RESULTS, STEPS
from lucidray.core.errors import Permanent
from lucidray.runtime.execute import ManifestInputs
from lucidray.store.cases import ArtifactEntry, CaseStore, Manifest
from lucidray.store.folder import FolderStore
from lucidray.v1.case_pb2 import Case, Predecessor


@pytest.fixture
def store(tmp_path: Path) -> CaseStore:
    """Of the analysis zone, with the results of a case."""
    store = CaseStore(FolderStore(tmp_path))
    artifacts = []
    for role in ("SEG", "SR"):
        parts = [store.put_blob("c1", part.name, part.media_type, part.data) for part in RESULTS.write([role.encode()])]
        artifacts.append(ArtifactEntry(contract=RESULTS.name, role=role, parts=parts))
    store.commit(Manifest(case_id="c1", step="encode", step_key="k", algorithm_version="1", artifacts=artifacts))
    return store


def inputs_of(store: CaseStore, step: str, predecessor: Predecessor | None) -> ManifestInputs:
    return ManifestInputs(Case(case_id="c2", predecessor=predecessor), {ANALYSIS: store}, STEPS[step])


@pytest.mark.parametrize("step", ["encode", "reidentify"])
def test_the_results_that_a_case_replaces_are_inputs_under_their_roles(store: CaseStore, step: str) -> None:
    inputs = inputs_of(store, step, Predecessor(case_id="c1", step_key="k"))
    assert inputs.roles(FORMER) == ["SEG", "SR"]
    assert inputs.read(FORMER, "SR") == [b"SR"]
    assert inputs.find(RESULTS, "SR") is None
    assert inputs.digests() != inputs_of(store, step, None).digests() == []


def test_results_that_were_erased_meanwhile_are_no_inputs(store: CaseStore) -> None:
    store.objects.delete_prefix("cases/c1/")
    inputs = inputs_of(store, "encode", Predecessor(case_id="c1", step_key="k"))
    assert inputs.roles(FORMER) == []


def test_other_steps_do_not_look_at_them(store: CaseStore) -> None:
    inputs = inputs_of(store, "quantify", Predecessor(case_id="c1", step_key="k"))
    assert inputs.roles(FORMER) == []
    with pytest.raises(Permanent):
        inputs.read(FORMER, "SR")
