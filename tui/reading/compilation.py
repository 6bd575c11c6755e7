"""The first run compiles the kernels: it says so, and lets a second process compile those of the analysis.

Reading is compiled here, as its first batch is read; the analysis meanwhile there, over nothing at all
(:mod:`analyzers.jit_warmup`). Both keep what they made in the cache, and that is all they share: without a second
process everything is compiled here.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import analyzers
import tracer
from tracer.kernels.store import before_compiling, cache_directory, gather, unkept
from tracer.processors import processors
from tracer.programs import python, with_modules
from tui.streams import say

if TYPE_CHECKING:
    import subprocess

_PATIENCE_SECONDS: Final = 120
"""When the second process is given up: many times what it takes on a slow machine."""


class Part(StrEnum):
    """What kernels are for. All that reading needs an analysis needs as well."""

    READING = "reading"
    ANALYSIS = "analysis"


class Helper:
    """A second process that compiles, or none."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, where that can be."""
        self._process = _started()

    def wait(self) -> None:
        """Return when it is done, has failed, or takes far too long: then what it did not make is made here."""
        if self._process is None:
            return
        import subprocess

        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.stop()

    def stop(self) -> None:
        """End it, if it has not ended."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def compilation(part: Part, *, quiet: bool) -> Iterator[Helper]:
    """Around whatever runs kernels: says so on stderr before the first that no earlier run compiled.

    What was compiled is put together for later runs when all is done.
    """
    helper = Helper()
    collecting = gc.isenabled()

    def begin() -> None:
        say("compiling kernels for this machine (once, up to 20 s on two cores)...", quiet=quiet)
        gc.disable()  # numba makes millions of small objects: looking through them takes a sixth of the time
        if part is Part.ANALYSIS and processors() > 1:
            helper.start()

    try:
        with before_compiling(begin):
            yield helper
        gather(_rooms())
        _say_if_unkept(quiet=quiet)
    finally:
        helper.stop()
        if collecting:
            gc.enable()


def _say_if_unkept(*, quiet: bool) -> None:
    error = unkept()
    if error is not None:
        say(
            f"not all compiled kernels could be kept, so the next run compiles again ({error}); let the environment "
            "variable NUMBA_CACHE_DIR name a folder that you can write to, and no other user",
            quiet=quiet,
        )


def _rooms() -> list[Path]:
    """The folders of the packages that hold kernels."""
    return [Path(str(room.__file__)).parent for room in (tracer, analyzers)]


def _started() -> subprocess.Popen[bytes] | None:
    """A process with the modules and the cache of this one, which ends when this one does."""
    import subprocess

    if getattr(sys, "frozen", False) or not sys.executable:  # then there is no interpreter to start
        return None
    environment = with_modules(
        NUMBA_CACHE_DIR=str(cache_directory()),
        PYTHONOPTIMIZE=str(sys.flags.optimize or ""),  # another level makes other code, and so other kernels
    )
    try:
        return subprocess.Popen(
            python("-m", "analyzers.jit_warmup"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        return None
