"""The artifacts of a case: what its steps committed, decoded and kept for a while."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from lucidray.console.overlay import CaseImages
from lucidray.console.view import CaseView
from lucidray.console.worklist import Unknown
from lucidray.contracts.base import Contract
from lucidray.contracts.catalogue import (
    ANALYSIS,
    CLINICAL,
    EXPLANATION,
    FEATURES,
    PREDICTION,
    RECEIPTS,
    REGIONS,
    VOLUME,
    StepSpec,
)
from lucidray.contracts.images import Volume
from lucidray.contracts.results import Explanation, Features, Prediction, Receipts
from lucidray.core.canonical import digest_json
from lucidray.core.errors import LucidrayError
from lucidray.runtime.execute import ManifestInputs
from lucidray.store.cases import CaseStore
from lucidray.v1.case_pb2 import Case, Outcome, Zone

T = TypeVar("T")

_READS = StepSpec("console", CLINICAL, "1", (VOLUME, REGIONS, FEATURES, PREDICTION, EXPLANATION, RECEIPTS), ())
_SMALL = 64 * 1024  # bytes reckoned for anything that is not an image


class Cache:
    """Keeps what was used last, up to a number of bytes. Loads one thing at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._table = threading.Lock()
        self._loading = threading.Lock()  # two requests for one volume must not decode it twice

    def get(self, key: Hashable, load: Callable[[], T], size: Callable[[T], int]) -> T:
        """The value of `key`, loaded if it is not kept."""
        found = self._find(key)
        if found is None:
            with self._loading:
                found = self._find(key)
                if found is None:
                    value = load()
                    self._keep(key, value, size(value))
                    return value
        return cast(T, found[0])

    def _find(self, key: Hashable) -> tuple[Any, int] | None:
        with self._table:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: Hashable, value: Any, size: int) -> None:
        with self._table:
            self._kept[key] = (value, size)
            while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self._limit:
                self._kept.popitem(last=False)


@dataclass(frozen=True)
class Findings:
    """The documents of a case; None for what does not exist (yet), or cannot be read (then there is a problem)."""

    features: Features | None = None
    predictions: dict[str, Prediction] = field(default_factory=dict)  # by role
    explanations: dict[str, Explanation] = field(default_factory=dict)  # by role
    receipts: Receipts | None = None
    problems: list[LucidrayError] = field(default_factory=list)


class CaseArtifacts:
    """Reads artifacts of cases in the zones of `stores`."""

    def __init__(self, stores: Mapping[Zone, CaseStore], cache_bytes: int) -> None:
        self._stores = stores
        self._cache = Cache(cache_bytes)

    def images(self, case: CaseView) -> CaseImages:
        """Volumes and regions.

        Raises
        ------
        Unknown
            There is no volume (yet).
        LucidrayError
            The store cannot be read, or not what is in it.
        """
        return self._cache.get(("images", *_identity(case)), lambda: self._load_images(case), _bytes_of)

    def findings(self, case: CaseView) -> Findings:
        """The documents; what cannot be read becomes a problem, so that the rest of the page stands."""
        if not case.done:
            return Findings()
        try:
            found = self._inputs(case)
            return self._cache.get(("findings", *_identity(case)), lambda: _load_findings(found), lambda _: _SMALL)
        except LucidrayError as error:
            return Findings(problems=[error])

    def _inputs(self, case: CaseView) -> ManifestInputs:
        return self._cache.get(
            ("manifests", *_identity(case)),
            lambda: ManifestInputs(_message(case), self._stores, _READS),
            lambda _: _SMALL,
        )

    def _load_images(self, case: CaseView) -> CaseImages:
        inputs = ManifestInputs(_message(case), self._stores, _READS)  # not by `_inputs`: the cache is loading us
        volumes = {role: inputs.read(VOLUME, role) for role in inputs.roles(VOLUME)}
        if not volumes:
            raise Unknown(f"images of case {case.case_id}", "no step has made volumes yet", "wait for `harmonize`")
        regions = inputs.find(REGIONS)
        return CaseImages.of(_of_modality(volumes, False), _of_modality(volumes, True), regions)


def _of_modality(volumes: Mapping[str, Volume], pet: bool) -> Volume | None:
    """The PET, or the volume that lies under it; the first by role where there are several."""
    for _, volume in sorted(volumes.items()):
        if (volume.facts.modality == "PT") == pet:
            return volume
    return None


def _load_findings(inputs: ManifestInputs) -> Findings:
    return Findings(
        features=inputs.find(FEATURES),
        predictions=_by_role(inputs, PREDICTION),
        explanations=_by_role(inputs, EXPLANATION),
        receipts=inputs.find(RECEIPTS),
    )


def _by_role(inputs: ManifestInputs, contract: Contract[T]) -> dict[str, T]:
    return {role: inputs.read(contract, role) for role in inputs.roles(contract)}


def _identity(case: CaseView) -> tuple[str, ...]:
    """What the artifacts of a case depend on."""
    return (case.case_id, *(step.step_key for step in case.done))


def version_of(case: CaseView) -> str:
    """Changes when the artifacts of a case do; short, for addresses of pictures."""
    return digest_json(list(_identity(case)))[:12]


def _message(case: CaseView) -> Case:
    """As much of the case's message as its manifests are found by."""
    message = Case(case_id=case.case_id)
    for step in case.done:
        entry = message.history.add(step_key=step.step_key, outcome=Outcome.OUTCOME_DONE)
        entry.entry.step = step.step
        entry.zone = CLINICAL if step.zone == "clinical" else ANALYSIS
    return message


def _bytes_of(images: CaseImages) -> int:
    arrays = [images.base.voxels]
    if images.uptake is not None:
        arrays.append(images.uptake.voxels)
    return sum(array.nbytes for array in arrays) + (images.regions.labels.nbytes if images.regions else 0)
