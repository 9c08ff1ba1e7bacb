"""The corpus of a seed: every planted object as a file, with what was planted in it."""

from dataclasses import dataclass
from pathlib import Path

from tests.deidentify.adversary.drafts import Draft, as_found_in_the_wild
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
    modality: str


def make_corpus(seed: str) -> list[PlantedFile]:
    """All planted files; the same seed gives the same bytes."""
    with as_found_in_the_wild():
        drafts = [*row_drafts(seed), *kind_drafts(seed)]
        return [_file(number, each) for number, each in enumerate(drafts, 1)]


def _file(number: int, made: Draft) -> PlantedFile:
    return PlantedFile(
        made.file_name or f"{number:04}.dcm",
        made.written(),
        tuple(made.plants()),
        made.planter.category,
        made.modality,
    )


def write_corpus(corpus: list[PlantedFile], folder: Path) -> None:
    """The files of a corpus in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in corpus:
        (folder / each.name).write_bytes(each.data)
