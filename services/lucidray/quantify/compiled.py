"""Loops over voxels, compiled once per processor and kept on disk.

numba keys what it keeps by the processor's name and features: a folder that moves to another machine is compiled anew
there, never run wrongly.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def keep_in(folder: Path) -> None:
    """Keep compiled loops in this folder; to be called before the modules that have some are loaded."""
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]


def compiled(function: Function) -> Function:
    """The function as machine code: one thread, IEEE arithmetic in the order in which it is written."""
    return cast(Function, numba.njit(cache=True, nogil=True)(function))
