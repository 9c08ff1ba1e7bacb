"""The corpus is what it says, and the checker sees every leak in it, also a hidden one."""

import base64
import gzip
from collections import Counter
from collections.abc import Callable

import pytest

pytest.importorskip("dicomanonymizer", reason="needs the table of the package dicom-anonymizer (extra `test`)")

from tests.deidentify.adversary.checker import Checker, Output
from tests.deidentify.adversary.corpus import PlantedFile, make_corpus
from tests.deidentify.adversary.kinds import kinds
from tests.deidentify.adversary.rows import PLACEMENTS
from tests.deidentify.adversary.table import rows
from tests.deidentify.adversary.tools import copy, engine, run

from lucidray.deidentify.audit.identifiers import Kind


@pytest.fixture(scope="module")
def corpus() -> list[PlantedFile]:
    return make_corpus("development")


@pytest.fixture(scope="module")
def checker(corpus: list[PlantedFile]) -> Checker:
    return Checker(corpus)


def test_every_row_of_the_table_is_planted_at_every_depth(corpus: list[PlantedFile]) -> None:
    nobody = {"AS", "US"}  # ages and flags are too short to be told from others
    wanted = {row.name for row in rows() if row.vr not in nobody}
    assert len(wanted) > 640
    for placement in PLACEMENTS:
        places = {plant.place for each in corpus for plant in each.plants if plant.category.endswith(placement)}
        assert wanted <= places


def test_there_are_forty_other_kinds_and_more(corpus: list[PlantedFile]) -> None:
    planted = Counter(plant.category for each in corpus for plant in each.plants)
    assert len(kinds()) == len({each.name for each in kinds()}) >= 40
    assert all(planted[each.name] for each in kinds())


def test_a_seed_gives_one_corpus_and_another_seed_another(corpus: list[PlantedFile]) -> None:
    assert make_corpus("development") == corpus

    def values(files: list[PlantedFile]) -> set[str]:
        kept = (plant for each in files for plant in each.plants if plant.identifier.kind is not Kind.DATE)
        return {plant.identifier.value for plant in kept if plant.place != "PatientName in Cyrillic"}

    assert not values(corpus) & values(make_corpus("another"))


def test_the_checker_sees_every_plant_where_nothing_is_removed(corpus: list[PlantedFile], checker: Checker) -> None:
    result = checker.check(run(copy(), corpus))
    blind = {plant.place for each in corpus for plant in each.plants} - {plant.place for _, plant, _ in result.leaks}
    assert not blind
    assert result.total.leaked == result.total.planted > 7000


HIDDEN: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "lower case": lambda text: text.lower().encode(),
    "UTF-16": lambda text: text.encode("utf-16-le"),
    "base64": lambda text: base64.b64encode(b"x" + text.encode()),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "split": lambda text: f"{text[:4]}^{text[4:]}".encode(),
    "backwards": lambda text: text[::-1].encode(),
}


@pytest.mark.parametrize("form", HIDDEN)
@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_canary_is_seen(corpus: list[PlantedFile], checker: Checker, form: str, place: str) -> None:
    """One identifier that comes out is one leak, whatever it was made into, and no other."""
    source = corpus[0]
    clean = engine("basic").clean(source.data)
    assert checker.check({source.name: Output("", clean)}).total.leaked == 0
    canary = next(plant for plant in corpus[70].plants if plant.identifier.kind is Kind.TEXT)
    hidden = HIDDEN[form](canary.identifier.value)
    spoilt = hidden.ljust(128, b"\0")[:128] + clean[128:] if place == "before" else clean + hidden
    result = checker.check({source.name: Output("", spoilt)})
    assert [plant for _, plant, _ in result.leaks] == [canary]


def test_a_canary_in_a_file_name_is_seen(corpus: list[PlantedFile], checker: Checker) -> None:
    source = next(each for each in corpus if each.category == "file name")
    clean = engine("basic").clean(source.data)
    (leak,) = checker.check({source.name: Output(source.name, clean)}).leaks
    assert leak[2].place == "file name"


def test_a_file_that_does_not_come_out_is_no_success(corpus: list[PlantedFile], checker: Checker) -> None:
    total = checker.check({}).total
    assert (total.leaked, total.withheld) == (0, total.planted)
