"""Serve the step `quantify`."""

import subprocess
import sys

from lucidray.runtime.service import run_step

if __name__ == "__main__":
    # Compiled loops are on disk before the service is ready; in a process of its own, for this one never computes.
    subprocess.run([sys.executable, "-m", "lucidray.quantify.warm"], check=True)
    run_step("lucidray.quantify.step:build")
