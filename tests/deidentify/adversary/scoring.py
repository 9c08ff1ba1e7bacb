"""The score of a de-identifier over a corpus: checks passed, out of how many, by action."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import Any

import pydicom
from pydicom import Dataset
from tests.deidentify.adversary.burned import legible
from tests.deidentify.adversary.checker import Output, Result
from tests.deidentify.adversary.corpus import PlantedFile
from tests.deidentify.adversary.drafts import as_found_in_the_wild
from tests.deidentify.adversary.expected import Action, Check, same, value_at

from lucidray.deidentify.audit.identifiers import Kind

_OF_PLANTS = {Kind.DATE: Action.DATE_SHIFTED, Kind.UID: Action.UID_CHANGED}


@dataclass
class Score:
    """Passed and failed checks."""

    passed: Counter[Action] = field(default_factory=Counter)
    failed: Counter[Action] = field(default_factory=Counter)
    failures: list[tuple[PlantedFile, Check]] = field(default_factory=list)

    @property
    def checks(self) -> int:
        """How many there are."""
        return self.passed.total() + self.failed.total()

    @property
    def percent(self) -> float:
        """Share of the checks that passed."""
        return 100.0 * self.passed.total() / self.checks

    def add(self, source: PlantedFile, check: Check, passed: bool) -> None:
        """Count a check."""
        (self.passed if passed else self.failed)[check.action] += 1
        if not passed:
            self.failures.append((source, check))


def score(corpus: Sequence[PlantedFile], outputs: Mapping[str, Output], result: Result) -> Score:
    """Score what a tool gave; `result` is what the checker found in it."""
    total, datasets = Score(), {name: _read(output.data) for name, output in outputs.items()}
    mapped = _mappings(corpus, datasets)
    for each in corpus:
        for check in each.checks:
            total.add(each, check, _passes(check, each, datasets.get(each.name), mapped))
    leaked = {(source.name, plant) for source, plant, _ in result.leaks}
    for each in corpus:
        for plant in each.plants:
            if not plant.kept_by:
                action = _OF_PLANTS.get(plant.identifier.kind, Action.TEXT_REMOVED)
                total.add(each, Check(action, plant.place, None), (each.name, plant) not in leaked)
    return total


def _read(data: bytes) -> Dataset | None:
    try:
        with as_found_in_the_wild():
            return pydicom.dcmread(BytesIO(data), force=True)
    except Exception:
        return None


def _passes(check: Check, source: PlantedFile, dataset: Dataset | None, mapped: "_Mapped") -> bool:
    if check.action is Action.PIXELS_HIDDEN:
        return dataset is None or not legible(check.value, dataset.get("PixelData", b""))
    if dataset is None:
        return False
    with as_found_in_the_wild():
        value = value_at(dataset, check.path)
    match check.action:
        case Action.TEXT_RETAINED | Action.PIXELS_RETAINED:
            return same(value, check.value)
        case Action.TAG_RETAINED:
            return check.path in dataset
        case Action.TEXT_NOTNULL:
            return bool(str(value or "").strip())
        case Action.UID_CHANGED:
            return str(value) != str(check.value)
        case Action.DATE_SHIFTED:
            return mapped.is_shifted(source, check.value, value)
        case _:  # consistent
            return mapped.is_one_to_one(check.path, check.value, value)


def _days(value: Any, original: Any) -> int:
    """Days from a date to the original; 0 if it is none, or if another time of day goes with it."""
    before, after = str(original or ""), str(value or "")
    if before[8:] != after[8:]:
        return 0
    try:
        return (date.fromisoformat(before[:8]) - date.fromisoformat(after[:8])).days
    except ValueError:
        return 0


def _patient(source: PlantedFile) -> str:
    return next((str(each.value) for each in source.checks if each.action is Action.PATID_CONSISTENT), "")


class _Mapped:
    """What became of identifiers that occur in several objects."""

    def __init__(self) -> None:
        self.forward: dict[str, set[str]] = defaultdict(set)
        self.backward: dict[str, set[str]] = defaultdict(set)
        self.shifts: dict[str, Counter[int]] = defaultdict(Counter)

    def is_shifted(self, source: PlantedFile, original: Any, value: Any) -> bool:
        """Whether a date went back by as many days as the others of its patient."""
        days, usual = _days(value, original), self.shifts[_patient(source)].most_common(1)
        return bool(days and usual) and days == usual[0][0]

    def is_one_to_one(self, path: str, original: Any, value: Any) -> bool:
        """Whether an identifier always became the same one, and no other became that."""
        kind = "ID " if path == "PatientID" else "UID "
        there = self.forward[kind + str(original)]
        return bool(value) and there == {str(value)} and self.backward[kind + str(value)] == {str(original)}


def _mappings(corpus: Sequence[PlantedFile], datasets: Mapping[str, Dataset | None]) -> _Mapped:
    mapped = _Mapped()
    for each in corpus:
        dataset = datasets.get(each.name)
        if dataset is None:
            continue
        for check in each.checks:
            value = value_at(dataset, check.path)
            if check.action in (Action.UID_CONSISTENT, Action.PATID_CONSISTENT):
                kind = "ID " if check.path == "PatientID" else "UID "
                mapped.forward[kind + str(check.value)].add(str(value))
                mapped.backward[kind + str(value)].add(str(check.value))
            elif check.action is Action.DATE_SHIFTED and (days := _days(value, check.value)):
                mapped.shifts[_patient(each)][days] += 1
    return mapped
