"""Where else identity hides: a register of kinds, each a function that plants one object."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.deidentify.adversary.drafts import Draft, draft
from tests.deidentify.adversary.planter import Planter

Plants = Callable[[Draft], None]


class KindOfPlace(NamedTuple):
    """A kind: what it is called, the modality of the object, and what plants it."""

    name: str
    modality: str
    plant: Plants


_KINDS: list[KindOfPlace] = []


def kind(name: str, modality: str = "CT") -> Callable[[Plants], Plants]:
    """Register a function that plants in a draft."""

    def register(plant: Plants) -> Plants:
        _KINDS.append(KindOfPlace(name, modality, plant))
        return plant

    return register


def kinds() -> tuple[KindOfPlace, ...]:
    """All kinds."""
    from tests.deidentify.adversary import kinds_bulk, kinds_file, kinds_objects, kinds_private, kinds_text  # noqa: F401

    return tuple(_KINDS)


def kind_drafts(seed: str) -> Iterator[Draft]:
    """One object of each kind."""
    for each in kinds():
        made = draft(Planter(f"{seed}/kinds", each.name), each.modality)
        each.plant(made)
        yield made
