"""What becomes of a complete study."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lucidray.core.errors import Permanent
from lucidray.dispatch.attributes import SELECTABLE
from lucidray.dispatch.selection import Instance, Verdict, judge
from lucidray.dispatch.settings import DispatchSettings
from lucidray.dispatch.workflow import Workflow, load_workflows

WORKFLOWS = load_workflows(DispatchSettings().workflows)
NEITHER: dict[str, Any] = {name: "" for name in SELECTABLE}


def series(modality: str, count: int = 3, key: str = "", **header: Any) -> list[Instance]:
    key = key or modality
    values = {
        **NEITHER,
        "Modality": modality,
        "SeriesNumber": 1,
        "ImageType": ["ORIGINAL"],
        "ROINames": [],
        "series_key": key,
        "PatientID": "p",
        "IssuerOfPatientID": "",
        "PatientBirthDate": "b",
        "PatientSex": "s",
        "patient_key": "patient",
        **header,
    }
    return [Instance(f"{key}-{n}", f"digest-{key}-{n}", f"intake/{key}/{n}", 10, False, values) for n in range(count)]


PET_CT = [*series("CT"), *series("PT")]


def decide(*instances: Instance) -> Verdict:
    return judge(instances, WORKFLOWS)


def cause(verdict: Verdict) -> str:
    assert not verdict.openings
    (problem,) = verdict.problems
    return f"{problem.thing}: {problem.cause}"


def test_a_pet_ct_opens_one_case_with_its_series() -> None:
    (opening,) = decide(*PET_CT).openings
    assert opening.workflow.name == "pet-ct-tumour"
    assert {role: len(chosen) for role, chosen in opening.inputs.items()} == {"CT": 3, "PET": 3}
    assert not opening.urgent


def test_the_structure_set_is_taken_along_and_preferred_by_name() -> None:
    both = [
        *series("RTSTRUCT", 1, "pet-mask", ROINames=["GTV_Mass_PET"]),
        *series("RTSTRUCT", 1, "ct-mask", ROINames=["GTV_Mass_CT"]),
    ]
    (opening,) = decide(*PET_CT, *both).openings
    assert [each.instance_key for each in opening.inputs["RTSTRUCT"]] == ["ct-mask-0"]


def test_a_study_that_nobody_wants_is_unmatched() -> None:
    verdict = decide(*series("MR"))
    assert verdict.unmatched
    assert not verdict.problems


def test_our_own_results_start_nothing() -> None:
    assert decide(*series("SEG", own=True)).unmatched
    (opening,) = decide(*PET_CT, *series("SEG", own=True)).openings
    assert set(opening.inputs) == {"CT", "PET"}


def test_two_candidates_hold_the_study_and_are_named() -> None:
    text = cause(decide(*PET_CT, *series("CT", 5, "CT2", SeriesNumber=7)))
    assert "input 'CT'" in text
    assert "series 1 (CT, 3 objects)" in text
    assert "series 7 (CT, 5 objects)" in text


def test_a_missing_input_holds_the_study() -> None:
    assert "no series matches" in cause(decide(*series("CT", 1), *series("PT")))


@pytest.mark.parametrize("name", ["PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"])
def test_objects_that_disagree_about_the_patient_hold_the_study(name: str) -> None:
    text = cause(decide(*series("CT", 3, "CT", **{name: "one"}), *series("PT", 3, "PT", **{name: "other"})))
    assert text.startswith(f"attribute {name} of the study")


def test_an_attribute_that_some_objects_lack_is_no_conflict() -> None:
    assert decide(*series("CT", PatientBirthDate=""), *series("PT")).openings


def test_changed_objects_hold_the_study() -> None:
    changed = [Instance(e.instance_key, "other", e.object_key, e.size, True, e.header) for e in series("CT", 1)]
    assert "came again" in cause(decide(*PET_CT, *changed))


def test_a_failing_expression_holds_only_its_workflow() -> None:
    bad = Workflow.model_validate(
        {
            "name": "bad",
            "when": "study.Nothing == 1",
            "inputs": {},
            "slip": [{"step": "deidentify"}],
        }
    )
    verdict = judge(PET_CT, [bad, *WORKFLOWS])
    assert len(verdict.openings) == 1
    assert "study.Nothing" in verdict.problems[0].thing


def slip(*steps: str) -> list[dict[str, str]]:
    return [{"step": step} for step in steps]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"when": "study.series.exists("}, "not valid CEL"),
        ({"slip": [{"step": "nonsense"}]}, "unknown step"),
        ({"slip": [{"step": "deidentify"}, {"step": "deidentify"}]}, "once"),
        ({"slip": slip("harmonize", "segment")}, "'harmonize' belongs behind 'deidentify'.* patient's name"),
        ({"slip": slip("harmonize", "deidentify")}, "'harmonize' belongs behind 'deidentify'"),
        ({"slip": slip("deidentify", "segment", "harmonize")}, "'segment' belongs behind 'harmonize'"),
        ({"slip": slip("deidentify", "quantify")}, "'quantify' has nothing to work on; put 'segment' before it"),
        ({"slip": slip("deidentify", "harmonize", "deliver")}, "put 'reidentify' before it"),
        ({"slip": slip("deliver")}, "put 'reidentify' before it"),
        ({"slip": [{"step": "deidentify", "on_failure": "skip"}]}, "'deidentify' cannot be skipped"),
        ({"slip": [{"step": "deidentify", "parameters": {"profil": "x"}}]}, r"'profil' of step 'deidentify'.*profile"),
        ({"slip": [{"step": "deidentify", "parameters": {"pixels": "keep"}}]}, r"'pixels'.*'quarantine' or 'clean'"),
        ({"slip": [{"step": "deidentify", "parameters": {"profile": date(2026, 1, 1)}}]}, "not a valid JSON value"),
        ({"slip": []}, "at least 1"),
        ({"name": "Not A Name"}, "match pattern"),
    ],
)
def test_broken_definitions_are_named(change: dict[str, Any], named: str) -> None:
    good = {"name": "w", "when": "true", "inputs": {}, "slip": [{"step": "deidentify"}]}
    assert Workflow.model_validate(good)
    with pytest.raises(ValueError, match=named):
        Workflow.model_validate({**good, **change})


def test_a_definition_file_that_does_not_read_is_named(tmp_path: Any) -> None:
    (tmp_path / "w.yaml").write_text("name: w\nwhen: 'true'\ninputs: {}\nslip: [{step: none}]\n")
    with pytest.raises(Permanent, match=r"w\.yaml"):
        load_workflows([tmp_path])
    with pytest.raises(Permanent, match=r"workflow folder .*empty: there is none; .*dispatch.workflows"):
        load_workflows([tmp_path / "empty"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(Permanent, match="no definition"):
        load_workflows([tmp_path / "empty"])
    (tmp_path / "empty" / "w.yml").touch()
    with pytest.raises(Permanent, match=r"w\.yml: Input should be a valid dictionary"):
        load_workflows([tmp_path / "empty"])


def test_the_digest_follows_definition_and_bundles() -> None:
    workflow = WORKFLOWS[0]
    bundles = {name: "1" for name in workflow.bundles}
    changed = workflow.model_copy(update={"urgent": "true"})
    described = workflow.model_copy(update={"description": "other words"})
    digests = {workflow.digest(bundles), workflow.digest({}), changed.digest(bundles)}
    assert len(digests) == 3
    assert described.digest(bundles) == workflow.digest(bundles)


def test_a_workflow_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("description: Röntgen".encode("latin-1"))
    with pytest.raises(Permanent, match=r"latin\.yaml.*does not read"):
        load_workflows([tmp_path])
