"""Failed sends reach every thread that may have sent them."""

from concurrent.futures import ThreadPoolExecutor

from lucidray.bus.failures import Failures


def test_each_thread_is_told_once() -> None:
    failures = Failures()
    error = OSError("disk")
    with ThreadPoolExecutor(1) as other:
        failures.begin()
        other.submit(failures.begin).result()
        failures.record(error)
        assert failures.take() is error
        assert failures.take() is None
        assert other.submit(failures.take).result() is error
        assert other.submit(failures.take).result() is None


def test_what_failed_before_a_thread_sent_does_not_concern_it() -> None:
    failures = Failures()
    failures.record(OSError("disk"))
    failures.begin()
    assert failures.take() is None


def test_a_thread_that_only_flushes_is_told_too() -> None:
    failures = Failures()
    failures.record(OSError("disk"))
    assert failures.take() is not None
