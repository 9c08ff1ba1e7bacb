"""Serve the step `explain`."""

from lucidray.runtime.service import run_step

if __name__ == "__main__":
    run_step("lucidray.explain.step:build")
