"""The corpus of a seed: every planted object as a file, with what was planted in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.deidentify.adversary.burned import burned_drafts
from tests.deidentify.adversary.drafts import Draft, as_found_in_the_wild
from tests.deidentify.adversary.expected import Action, Check, expected
from tests.deidentify.adversary.kinds import kind_drafts
from tests.deidentify.adversary.planter import Plant
from tests.deidentify.adversary.rows import row_drafts


@dataclass(frozen=True)
class PlantedFile:
    """A file, and what must not come out of it."""

    name: str
    data: bytes
    plants: tuple[Plant, ...]
    category: str
    checks: tuple[Check, ...]


def make_corpus(seed: str) -> list[PlantedFile]:
    """All planted files; the same seed gives the same bytes."""
    with as_found_in_the_wild():
        drafts = [*row_drafts(seed), *kind_drafts(seed), *burned_drafts(seed)]
        return [_file(number, each) for number, each in enumerate(drafts, 1)]


def _file(number: int, made: Draft) -> PlantedFile:
    data = made.written()
    name, category = made.file_name or f"{number:04}.dcm", made.planter.category
    return PlantedFile(name, data, tuple(made.plants()), category, tuple(_checks(made)))


def _checks(made: Draft) -> Iterator[Check]:
    if made.shows_text:
        yield Check(Action.PIXELS_HIDDEN, "PixelData", made.dataset["PixelData"].value)
    elif made.is_valid:
        yield from expected(made.dataset, made.modality, made.described)


def write_corpus(corpus: list[PlantedFile], folder: Path) -> None:
    """The files of a corpus in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in corpus:
        (folder / each.name).write_bytes(each.data)
