"""Lesions: largest first, the same every time."""

import numpy as np
import pytest
from pydicom.uid import UID

from lucidray.segment.lesions import separate, tracking_uid


def blobs() -> np.ndarray[tuple[int, int, int], np.dtype[np.bool_]]:
    mask = np.zeros((10, 10, 10), bool)
    mask[0:2, 0:2, 0:2] = True  # 8
    mask[5:8, 5:8, 5:8] = True  # 27
    mask[9, 9, 9] = True  # 1
    return mask


def test_largest_first() -> None:
    lesions = separate(blobs(), 26, 1, 10)
    assert lesions.sizes == [27, 8, 1]
    assert [int(lesions.labels[at]) for at in ((6, 6, 6), (0, 0, 0), (9, 9, 9))] == [1, 2, 3]
    assert lesions.labels.dtype == np.uint8


def test_small_ones_and_those_beyond_the_maximum_are_counted() -> None:
    lesions = separate(blobs(), 26, 2, 1)
    assert (lesions.sizes, lesions.too_small, lesions.too_many) == ([27], 1, 1)
    assert np.count_nonzero(lesions.labels) == 27


@pytest.mark.parametrize(("connectivity", "count"), [(6, 3), (18, 2), (26, 1)])
def test_connectivity(connectivity: int, count: int) -> None:
    mask = np.zeros((4, 4, 4), bool)
    mask[0, 0, 0] = mask[0, 1, 1] = mask[1, 2, 2] = True  # neighbours by an edge, then by a corner
    assert len(separate(mask, connectivity, 1, 10).sizes) == count


def test_nothing_gives_no_lesions() -> None:
    lesions = separate(np.zeros((3, 3, 3), bool), 26, 1, 10)
    assert lesions.sizes == []
    assert not lesions.labels.any()


def test_more_lesions_than_a_label_map_holds() -> None:
    mask = np.zeros((40, 40, 40), bool)
    mask[::4, ::4, ::4] = True
    lesions = separate(mask, 6, 1, 10_000)
    assert (len(lesions.sizes), lesions.too_many) == (255, 1000 - 255)
    assert int(lesions.labels.max()) == 255


def test_tracking_uid_is_valid_and_depends_on_case_and_number() -> None:
    uids = {tracking_uid(case, number) for case in ("c1", "c11") for number in (1, 11)}
    assert len(uids) == 4
    assert all(UID(each).is_valid for each in uids)
    assert tracking_uid("c1", 1) == tracking_uid("c1", 1)
