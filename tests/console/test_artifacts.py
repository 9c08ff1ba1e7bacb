"""The cache of decoded artifacts."""

import threading

import pytest
from tests.console.scenes import Story

from lucidray.console.artifacts import Cache, version_of
from lucidray.console.fold import fold


def test_cache_loads_once() -> None:
    loads: list[int] = []
    cache = Cache(100)
    gate = threading.Barrier(4)

    def ask() -> None:
        gate.wait()
        cache.get("key", lambda: loads.append(1) or "value", lambda _: 10)  # type: ignore[func-returns-value]

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]


def test_cache_forgets_what_was_used_longest_ago() -> None:
    cache = Cache(25)
    loads: list[str] = []

    def get(key: str) -> str:
        def load() -> str:
            loads.append(key)
            return key

        return cache.get(key, load, lambda _: 10)

    for key in ("a", "b", "a", "c", "a", "b"):
        assert get(key) == key
    assert loads == ["a", "b", "c", "b"]


def test_something_larger_than_the_cache_is_kept_alone() -> None:
    cache = Cache(5)
    assert cache.get("big", lambda: "big", lambda _: 10) == "big"
    assert cache.get("big", lambda: pytest.fail("loaded again"), lambda _: 10) == "big"


def test_version_changes_with_results_only() -> None:
    story = Story().run("segment")
    before = version_of(fold(story.events))
    assert version_of(fold(story.events)) == before
    story.finish()
    assert version_of(fold(story.events)) != before
