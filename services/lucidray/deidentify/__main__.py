"""Run the step `deidentify`, or with the argument `reidentify` the step of that name."""

import sys

from lucidray.core.errors import LucidrayError
from lucidray.deidentify.opened import check_keys
from lucidray.runtime.service import run_step

FACTORIES = {
    "deidentify": "lucidray.deidentify.step:build",
    "reidentify": "lucidray.deidentify.reidentify:build",
}

if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else "deidentify"
    if wanted not in FACTORIES:
        sys.exit(f"step '{wanted}' is not one of this service; name one of: {', '.join(FACTORIES)}")
    try:
        check_keys()
    except LucidrayError as error:
        sys.exit(str(error))
    run_step(FACTORIES[wanted])
