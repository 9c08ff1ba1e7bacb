"""What is to become of a complete study: pure decisions over the headers of its objects."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lucidray.core.errors import LucidrayError, Permanent
from lucidray.dispatch.attributes import COMPARED, SELECTABLE
from lucidray.dispatch.workflow import InputRule, Workflow, evaluate

LOOK_AGAIN = "then `lucidray case release` to look at the study again"


@dataclass(frozen=True)
class Instance:
    """One object of a study, as the index knows it."""

    instance_key: str
    byte_digest: str
    object_key: str
    size: int
    conflicting: bool
    header: Mapping[str, Any]


@dataclass(frozen=True)
class Series:
    """One series of a study."""

    key: str
    instances: Sequence[Instance]

    @property
    def attributes(self) -> dict[str, Any]:
        """What expressions see: the first object's header, and how many objects there are."""
        header = self.instances[0].header
        seen = {name: header.get(name, "") for name in SELECTABLE} | {"ROINames": header.get("ROINames", [])}
        return seen | {"NumberOfInstances": len(self.instances)}

    def describe(self) -> str:
        """In words, without anything that a person typed."""
        header = self.instances[0].header
        return f"series {header.get('SeriesNumber') or '?'} ({header.get('Modality')}, {len(self.instances)} objects)"


@dataclass(frozen=True)
class Opening:
    """A case to open: its workflow and the objects of each input."""

    workflow: Workflow
    inputs: Mapping[str, Sequence[Instance]]
    urgent: bool


@dataclass(frozen=True)
class Verdict:
    """What becomes of a study: cases to open; what is held, and why."""

    openings: Sequence[Opening] = ()
    problems: Sequence[LucidrayError] = ()
    unmatched: bool = False
    patient_key: str = ""
    quarantined: bool = field(default=False)


def judge(instances: Sequence[Instance], workflows: Sequence[Workflow]) -> Verdict:
    """Decide about a complete study.

    Identity comes first: objects that disagree about the patient hold the study whatever
    the workflows say.
    """
    relevant = [each for each in instances if not each.header.get("own")]
    if not relevant:
        return Verdict(unmatched=True)
    problem = _conflict(relevant)
    patient_key = str(relevant[0].header["patient_key"])
    if problem:
        return Verdict(problems=[problem], patient_key=patient_key)
    series = group(relevant)
    study = {
        "series": [each.attributes for each in series],
        "ModalitiesInStudy": sorted({str(each.attributes["Modality"]) for each in series}),
        "StudyDescription": str(relevant[0].header.get("StudyDescription", "")),
    }
    openings, problems, wanted = [], [], False
    for workflow in workflows:
        try:
            if not evaluate(workflow.when, study=study):
                continue
            wanted = True
            inputs = {
                role: chosen.instances
                for role, rule in workflow.inputs.items()
                if (chosen := choose(role, rule, series, study, workflow.name)) is not None
            }
            openings.append(Opening(workflow, inputs, evaluate(workflow.urgent, study=study)))
        except LucidrayError as error:
            wanted = True
            problems.append(error)
    return Verdict(openings, problems, unmatched=not wanted, patient_key=patient_key)


def group(instances: Sequence[Instance]) -> list[Series]:
    """The series of a study, by SeriesNumber."""
    by_key: dict[str, list[Instance]] = defaultdict(list)
    for each in instances:
        by_key[str(each.header["series_key"])].append(each)
    series = [Series(key, sorted(members, key=lambda each: each.instance_key)) for key, members in by_key.items()]
    return sorted(series, key=lambda each: (str(each.instances[0].header.get("SeriesNumber", "")), each.key))


def choose(
    role: str, rule: InputRule, series: Sequence[Series], study: Mapping[str, Any], workflow: str
) -> Series | None:
    """The one series that a rule means.

    Raises
    ------
    Permanent
        None or several match; names the candidates.
    """
    found = [each for each in series if evaluate(rule.select, series=each.attributes, study=study)]
    for preference in rule.prefer:
        if len(found) > 1:
            preferred = [each for each in found if evaluate(preference, series=each.attributes, study=study)]
            found = preferred or found
    if len(found) == 1:
        return found[0]
    if found:
        raise Permanent(
            f"input '{role}' of workflow '{workflow}'",
            f"{len(found)} series match: {'; '.join(each.describe() for each in found)}",
            f"narrow `select` or add `prefer` in the workflow, or remove a series at the PACS, {LOOK_AGAIN}",
        )
    if rule.cardinality == "optional":
        return None
    have = "; ".join(each.describe() for each in series)
    raise Permanent(
        f"input '{role}' of workflow '{workflow}'",
        f"no series matches; the study has {have}",
        f"send the missing series, or correct `select` in the workflow, {LOOK_AGAIN}",
    )


def _conflict(instances: Sequence[Instance]) -> LucidrayError | None:
    """What keeps the objects of one study from being used: two contents, none, or different patients."""
    changed = sum(each.conflicting for each in instances)
    if changed:
        return Permanent(
            "objects of the study",
            f"{changed} came again under the same SOPInstanceUID with other content",
            "if what came last is right, `lucidray case release` takes it; else first correct it and send it again",
        )
    unread = [each for each in instances if each.header.get("problem")]
    if unread:
        first = unread[0]
        others = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
        return Permanent(
            f"object {first.object_key} of the clinical zone, {Series('', [first]).describe()}{others}",
            str(first.header["problem"]),
            f"correct it at the PACS and send it again, {LOOK_AGAIN}",
        )
    for name in COMPARED:
        values = {str(each.header.get(name, "")) for each in instances} - {""}
        if len(values) > 1:
            return Permanent(
                f"attribute {name} of the study",
                f"its objects have {len(values)} different values",
                f"correct the patient's data at the PACS and send the study again, {LOOK_AGAIN}",
            )
    return None
