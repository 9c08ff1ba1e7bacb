"""The detector on text and pictures that it was not trained on. `make bench-pixels` prints the figures at length."""

import numpy as np
import pytest
from tests.deidentify.pictures import written

from lucidray.deidentify.textmap import find_text
from lucidray.phantom import backdrop
from lucidray.phantom.lettering import burn

SEEDS = range(100, 108)


def covered(kind: str) -> tuple[int, int]:
    """Lines of which at least 80 % lies in what was found, and all lines."""
    lines = found = 0
    for seed in SEEDS:
        picture, placed = written(kind, seed)
        mask = np.zeros(picture.shape, bool)
        for each in find_text(picture):
            top, left, bottom, right = each.box
            mask[top:bottom, left:right] = True
        for line in placed:
            top, left, bottom, right = line.box
            lines += 1
            found += mask[top:bottom, left:right].mean() >= 0.8
    return int(found), lines


@pytest.mark.parametrize("kind", ["ultrasound", "tomogram", "emission", "screen"])
def test_text_is_found(kind: str) -> None:
    found, lines = covered(kind)
    assert lines >= 20 and found >= 0.93 * lines


@pytest.mark.parametrize("kind", ["ultrasound", "tomogram", "emission", "screen", "vessels"])
def test_pictures_without_text_are_hardly_ever_taken_for_written_on(kind: str) -> None:
    rng = np.random.default_rng(7)
    taken = [
        sum((box[2] - box[0]) * (box[3] - box[1]) >= 200 for box, certainty in find_text(picture) if certainty > 0.8)
        for picture in (backdrop.KINDS[kind](rng, (256, 320)) for _ in range(10))
    ]
    assert sum(map(bool, taken)) <= 1


def test_large_letters_are_found_too() -> None:
    rng = np.random.default_rng(3)
    picture, [line] = burn(backdrop.tomogram(rng, (800, 1000)), rng, [None], 1, (110, 110))
    top, left, bottom, right = line.box
    inside = [
        box for box, _ in find_text(picture) if box[0] < bottom and top < box[2] and box[1] < right and left < box[3]
    ]
    assert sum((box[2] - box[0]) * (box[3] - box[1]) for box in inside) > 0.5 * (bottom - top) * (right - left)


def test_what_has_no_room_for_text_is_not_searched() -> None:
    assert find_text(np.random.default_rng(1).uniform(size=(30, 200))) == []
    assert find_text(np.zeros((64, 64), np.int16)) == []
