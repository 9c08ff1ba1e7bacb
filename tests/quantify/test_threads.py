"""Linear algebra in one thread, whoever else measures at the same time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from lucidray.quantify import extract
from lucidray.quantify.threads import one_thread

HOST = 2  # threads that the process around us has set


@pytest.fixture(autouse=True)
def host() -> Iterator[None]:
    with threadpool_limits(limits=HOST, user_api="blas"):
        yield


def threads() -> set[int]:
    return {each.num_threads for each in ThreadpoolController().select(user_api="blas").lib_controllers}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_overlapping_contexts_keep_one_thread_until_the_last_has_left(order: tuple[int, int]) -> None:
    contexts = [one_thread(), one_thread()]
    for each in contexts:
        each.__enter__()
    contexts[order[0]].__exit__(None, None, None)
    assert threads() == {1}
    contexts[order[1]].__exit__(None, None, None)
    assert threads() == {HOST}


def test_a_failure_inside_gives_the_threads_back() -> None:
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert threads() == {HOST}


@pytest.mark.parametrize("preset", ["ct-1mm", "ibsi-2-a"])
def test_families_shared_out_among_threads_give_the_same_bits(preset: str) -> None:
    image = np.random.default_rng(5).normal(40, 60, (20, 30, 30))
    mask = np.random.default_rng(6).random(image.shape) < 0.7  # noqa: PLR2004
    mask[:, :4] = False
    alone = extract(image, mask, preset)
    assert all(extract(image, mask, preset, threads=number) == alone for number in (2, 3, 8))


def test_measured_in_many_threads_gives_the_same_bits() -> None:
    z, y, x = np.indices((30, 40, 40))
    image = np.random.default_rng(5).normal(40, 60, z.shape)
    mask = ((z - 15) / 12) ** 2 + ((y - 20) / 15) ** 2 + ((x - 20) / 16) ** 2 < 1

    def measured(_: int) -> tuple[float | None, ...]:
        return tuple(each.value for each in extract(image, mask, "ct-1mm", spacing=(1.5, 0.9, 0.9)))

    alone = measured(0)
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(measured, range(12))) == {alone}
    assert threads() == {HOST}
