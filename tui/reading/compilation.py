"""The one wait that needs an explanation: the first run compiles the kernels."""

from __future__ import annotations

import os
from typing import Final

from tracer.jit import cache_directory
from tui.streams import say

_SECONDS: Final = 15
"""What compiling all kernels takes on two cores, roughly."""


def announce_compilation(*, quiet: bool) -> None:
    """Say on stderr that kernels will be compiled, when no compiled kernel is there."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return
    if next(cache_directory().rglob("*.nbc"), None) is None:
        say(f"compiling kernels (once, about {_SECONDS} s)...", quiet=quiet)
