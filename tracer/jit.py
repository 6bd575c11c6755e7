"""The one way a kernel is declared: compiled without the GIL, cached on disk, runnable un-jitted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from platformdirs import user_cache_path

F = TypeVar("F", bound=Callable[..., object])


def _set_cache_directory() -> None:
    """Compiled kernels live in the user's cache: an installed package may not be writable."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_directory()))


def cache_directory() -> Path:
    """Where compiled kernels are kept between runs."""
    return user_cache_path("poolscope", appauthor=False) / "kernels"


def kernel(function: F) -> F:
    """Compile a hot loop over arrays; under ``NUMBA_DISABLE_JIT=1`` it stays plain Python."""
    _set_cache_directory()
    from numba import njit  # costs 0.3 s: only who runs a kernel pays for it

    compiled: F = njit(cache=True, nogil=True, error_model="numpy")(function)
    return compiled
