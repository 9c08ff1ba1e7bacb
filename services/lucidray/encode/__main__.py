"""Run the encode step: ``python -m lucidray.encode``."""

from lucidray.runtime.service import run_step

if __name__ == "__main__":
    run_step("lucidray.encode.step:build")
