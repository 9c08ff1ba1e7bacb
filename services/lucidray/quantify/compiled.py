"""Loops over voxels, compiled once per processor and kept on disk.

numba keys what it keeps by the processor's name and features: a folder that moves to another machine is compiled anew
there, never run wrongly. It keeps it beside the code, in the user's cache, or where NUMBA_CACHE_DIR says.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from lucidray.core import logging

Function = TypeVar("Function", bound=Callable[..., Any])
log = logging.get(__name__)


def compiled(function: Function) -> Function:
    """The function as machine code: one thread, IEEE arithmetic in the order in which it is written."""
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no place to write to
        log.warning("kernels-not-kept", remedy="set NUMBA_CACHE_DIR to a folder that the service may write to")
        made = numba.njit(nogil=True)(function)
    return cast(Function, made)
