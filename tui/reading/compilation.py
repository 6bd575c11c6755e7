"""The one wait that needs an explanation: the first run compiles the kernels."""

from __future__ import annotations

import os
from typing import Final

from tracer.jit import cache_directory
from tui.streams import say

_SECONDS: Final = 15
"""What compiling all kernels takes on two cores, roughly."""


def announce_compilation(*, quiet: bool) -> bool:
    """Say on stderr that kernels will be compiled, when no compiled kernel is there; gives whether so."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0" or next(cache_directory().rglob("*.nbc"), None) is not None:
        return False
    say(f"compiling kernels (once, about {_SECONDS} s)...", quiet=quiet)
    return True


def compile_kernels(*, quiet: bool) -> None:
    """As :func:`announce_compilation`, and compile them now: events of a live capture do not wait for it."""
    if not announce_compilation(quiet=quiet):
        return
    from analyzers.analysis import Analysis  # brings numpy and numba: not for --help
    from analyzers.tags import TagNames
    from fixtures.demo import DEMO_TRACE
    from tracer.etl.file import EtlFile

    with EtlFile.open(DEMO_TRACE) as demo:
        analysis = Analysis(demo, TagNames(()))
        for batch in demo.batches(Analysis.KINDS):
            analysis.feed(batch)
        analysis.snapshot()
