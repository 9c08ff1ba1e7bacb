"""Serve the step `predict`."""

from lucidray.runtime.service import run_step

if __name__ == "__main__":
    run_step("lucidray.predict.step:build")
