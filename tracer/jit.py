"""The one way a kernel is declared: compiled without the GIL, cached on disk, runnable un-jitted."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
from platformdirs import user_cache_path

P = ParamSpec("P")
R = TypeVar("R")

Int: TypeAlias = "int | np.signedinteger[Any]"
"""An integer in a kernel: numba's arithmetic gives int64, plain Python's may give either."""


def cache_directory() -> Path:
    """Where compiled kernels are kept between runs (the user's cache: the package may not be writable)."""
    return Path(os.environ.get("NUMBA_CACHE_DIR") or user_cache_path("poolscope", appauthor=False) / "kernels")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a hot loop over arrays; under ``NUMBA_DISABLE_JIT=1`` it stays plain Python."""
    return _compiled(function, inline=False)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """A step of a hot loop: compiled into each kernel that calls it.

    An array is passed as seven values, so that a call costs more than most steps.
    """
    return _compiled(function, inline=True)


def _compiled(function: Callable[P, R], *, inline: bool) -> Callable[P, R]:
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_directory()))
    import numba  # costs 0.3 s: only who runs a kernel pays for it

    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]  # set from the environment
        return _interpreted(function)
    # _nrt=False: kernels allocate nothing, so the counting of references to arrays, which otherwise
    # costs as much as the work in calls with many arrays, is left out.
    options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
    compiled: Callable[P, R] = numba.njit(**options, forceinline=inline)(function)
    return compiled


def _interpreted(function: Callable[P, R]) -> Callable[P, R]:
    """The plain function, with unsigned wrap-around as silent as in compiled code."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(over="ignore"):
            return function(*args, **kwargs)

    return run
