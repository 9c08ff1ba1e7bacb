"""Nothing planted comes out of our engine: neither for seeds that its authors know nor for a sealed one."""

import os
import secrets
from collections.abc import Collection

import pytest

pytest.importorskip("dicomanonymizer", reason="needs the table of the package dicom-anonymizer (extra `test`)")

from tests.deidentify.adversary.checker import Checker, Result
from tests.deidentify.adversary.corpus import PlantedFile, make_corpus
from tests.deidentify.adversary.kinds import kinds
from tests.deidentify.adversary.tools import copy, engine, lucidray, run

from lucidray.core.errors import LucidrayError

# Drawn anew in every run, so that nothing can be fitted to it. A failure names it: set it to see the failure again.
SEALED = os.environ.get("LUCIDRAY_ADVERSARY_SEED") or secrets.token_hex(8)
KINDS = len(kinds())
# Malformed: the engine reads none of it.
UNREADABLE = {
    "bytes behind the last element",
    "boxes around JPEG 2000",
    "bytes in the offset tables of frames",
    "unknown segments in JPEG 2000",
    "transfer syntax that names somebody",
}
# What the engine leaves to the gates before it, and what these keep back.
GATED = {"bytes behind the pixels"}
KEPT_BACK = {
    *GATED,
    *UNREADABLE,
    *(
        "comments in compressed pixels",
        "segments and tables of no image in compressed pixels",
        "bytes between compressed frames",
        "pixels that are described by no defined term",
    ),
    *("PDF documents", "documents in other formats", "structured report", "presentation state", "structure set"),
    *(f"burned in: {name}" for name in ("ultrasound", "secondary capture", "screen save", "declared", "denied")),
}


@pytest.fixture(scope="module", params=["development", pytest.param(SEALED, id="sealed")])
def checked(request: pytest.FixtureRequest) -> tuple[list[PlantedFile], Checker]:
    corpus = make_corpus(request.param)
    return corpus, Checker(corpus)


def told(result: Result, but: Collection[str] = ()) -> list[str]:
    leaks = [(plant, hit) for each, plant, hit in result.leaks if each.category not in but]
    return [f"{plant.category}: {plant.place} at {hit.place}, {hit.form}" for plant, hit in leaks]


def test_the_checker_sees_all_that_is_there(checked: tuple[list[PlantedFile], Checker]) -> None:
    corpus, checker = checked
    total = checker.check(run(copy(), corpus)).total
    assert total.leaked == total.planted, f"LUCIDRAY_ADVERSARY_SEED={SEALED}"


@pytest.mark.parametrize("profile", ["clinical-ai", "research-export", "basic"])
def test_nothing_planted_comes_out_of_the_engine(profile: str, checked: tuple[list[PlantedFile], Checker]) -> None:
    corpus, checker = checked
    outputs = run(engine(profile), corpus)
    assert told(checker.check(outputs), but=GATED) == [], f"LUCIDRAY_ADVERSARY_SEED={SEALED}"
    assert {each.category for each in corpus if each.name not in outputs} <= UNREADABLE


def test_nothing_planted_comes_out_in_service(checked: tuple[list[PlantedFile], Checker]) -> None:
    corpus, checker = checked
    outputs = run(lucidray("clinical-ai"), corpus)
    assert told(checker.check(outputs)) == [], f"LUCIDRAY_ADVERSARY_SEED={SEALED}"
    assert {each.category for each in corpus if each.name not in outputs} <= KEPT_BACK


def test_nothing_planted_is_logged(
    checked: tuple[list[PlantedFile], Checker], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Libraries quote what they stumble over."""
    corpus, checker = checked
    clean, text = lucidray("clinical-ai").clean, ""
    caplog.set_level("DEBUG")
    for each in corpus[-KINDS:]:
        try:
            clean(each.data)
        except LucidrayError as error:
            text += str(error)
        except Exception:  # the step tells the class of it, and nothing else
            continue
    text += caplog.text + "".join(capfd.readouterr())
    assert {hit.identifier.source for hit in checker.search(text.encode())} == set()
