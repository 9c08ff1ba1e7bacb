"""Run the deliver step: ``python -m lucidray.deliver``."""

from lucidray.runtime.service import run_step

if __name__ == "__main__":
    run_step("lucidray.deliver.step:build")
