"""What mirp, z-rad and the manual's text say of each region, kept in files: mirp needs an hour for all of them."""

import json
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.progress import track

from lucidray.lab.oracles.definition import defined
from lucidray.lab.oracles.mirp_oracle import mirp_values
from lucidray.lab.oracles.regions import Case
from lucidray.lab.oracles.zrad_oracle import zrad_values
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.sample import Sample

Values = Mapping[str, float | None]  # by abbreviation of the feature; None where it is undefined
Opinions = Mapping[str, Mapping[str, Values]]  # by oracle, then by name of the case

DEFINITION = "definition"


def oracles() -> dict[str, str]:
    """Version of each that is installed, by name."""
    found = {}
    for name in ("mirp", "z-rad"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def opinions(cases: Iterable[Case], folder: Path | None = None) -> Opinions:
    """Of the oracles that are installed and of the manual's text.

    Parameters
    ----------
    folder
        Holds what has been asked before of the same voxels, and gets what is asked now, case by case. Delete a file to
        ask again.
    """
    cases, known = list(cases), {**oracles(), DEFINITION: "IBSI-1"}
    return {
        name: _kept(name, _ASKED[name], cases, folder and folder / f"{name}-{number}.jsonl")
        for name, number in known.items()
    }


def _kept(name: str, ask: Callable[[Case], Values], cases: list[Case], path: Path | None) -> Mapping[str, Values]:
    before: dict[str, Values] = {}
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        before = {line["digest"]: line["values"] for line in map(json.loads, path.read_text("utf-8").splitlines())}
    found: dict[str, Values] = {}
    for case in track(cases, f"asking {name}", disable=path is None):
        digest = case.digest
        found[case.name] = before[digest] if digest in before else ask(case)
        if path is not None and digest not in before:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"case": case.name, "digest": digest, "values": found[case.name]}) + "\n")
    return found


def _mirp(case: Case) -> Values:
    return mirp_values(_sample(case), frozenset(definitions()), case.measurement.aggregations[0], exact=True)


def _zrad(case: Case) -> Values:
    found = zrad_values(_sample(case), case.measurement.aggregations[0])
    return {name: value for name, value in found.items() if name in definitions()}


def _defined(case: Case) -> Values:
    return defined(case.region, case.measurement)


def _sample(case: Case) -> Sample:
    return Sample(case.region, case.measurement, case.measurement.discretisation)


_ASKED: Mapping[str, Callable[[Case], Values]] = {"mirp": _mirp, "z-rad": _zrad, DEFINITION: _defined}
