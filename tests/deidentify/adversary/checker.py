"""Counts what leaked: which plants are found in what a tool gave, by category, and out of how many."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.deidentify.adversary.corpus import PlantedFile
from tests.deidentify.adversary.planter import Plant

from lucidray.deidentify.audit.elements import elements
from lucidray.deidentify.audit.search import Hit, Searcher

MIN_UNIQUE = 8  # characters
_Seen = tuple[Hit | None, frozenset[str]]  # and the options that the output declares
_Found = dict[str, dict[str, _Seen]]  # by value, by file


@dataclass(frozen=True)
class Output:
    """What a tool made of one file."""

    name: str
    data: bytes


@dataclass
class Tally:
    """Of one category."""

    planted: int = 0
    leaked: int = 0
    withheld: int = 0  # the tool gave no file


@dataclass
class Result:
    """What came out of a corpus."""

    categories: dict[str, Tally] = field(default_factory=dict)
    leaks: list[tuple[PlantedFile, Plant, Hit]] = field(default_factory=list)

    @property
    def total(self) -> Tally:
        """Over all categories."""
        tallies = self.categories.values()
        return Tally(*(sum(getattr(each, name) for each in tallies) for name in ("planted", "leaked", "withheld")))


class Checker:
    """Searches outputs for everything that a corpus holds."""

    def __init__(self, corpus: Sequence[PlantedFile]) -> None:
        self._corpus = corpus
        unique = {plant.identifier[:2]: plant.identifier for each in corpus for plant in each.plants}
        self._planted = Counter(plant.identifier.value for each in corpus for plant in each.plants)
        self._searcher = Searcher(list(unique.values()))

    def check(self, outputs: Mapping[str, Output], *, lenient: bool = False) -> Result:
        """Count, where `outputs` has what a tool made of a file, by the file's name.

        A plant leaks if it is found in any output; one that several files share, or that is so short that numbers hold
        it by chance, if it is found in that of its own file. What an option of PS3.15 lets stay is no leak where the
        output declares the option; `lenient` takes every option for declared.
        """
        found = self._hits(outputs)
        result = Result()
        for each in self._corpus:
            for plant in each.plants:
                tally = result.categories.setdefault(plant.category, Tally())
                tally.planted += 1
                hit, options = self._of(plant, each.name, found)
                if hit is not None and not (plant.kept_by and (lenient or plant.kept_by in options)):
                    tally.leaked += 1
                    result.leaks.append((each, plant, hit))
                elif each.name not in outputs:
                    tally.withheld += 1
        return result

    def search(self, data: bytes, name: str = "") -> list[Hit]:
        """What of the corpus is found in any file or bytes, as of a log."""
        return self._searcher.search(data, name)

    def _of(self, plant: Plant, file_name: str, found: _Found) -> _Seen:
        value = plant.identifier.value
        hits = found.get(value, {})
        if self._planted[value] == 1 and len(value) >= MIN_UNIQUE and hits:
            return next(iter(hits.values()))
        return hits.get(file_name, (None, frozenset()))

    def _hits(self, outputs: Mapping[str, Output]) -> _Found:
        found: _Found = {}
        for file_name, output in outputs.items():
            options = declared_options(output.data)
            for hit in self._searcher.search(output.data, output.name):
                found.setdefault(hit.identifier.value, {}).setdefault(file_name, (hit, options))
        return found


def declared_options(data: bytes) -> frozenset[str]:
    """Codes of the options that a file says to have been de-identified under (PS3.3 C.12.1.1.7)."""
    return frozenset(
        element.texts[0]
        for element in elements(data)
        if element.path.startswith("DeidentificationMethodCodeSequence[") and element.keyword == "CodeValue"
    )
