"""What names of functions cost ``analyze``: with a PDB file of 20 MB that was read before, and that was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.named import make_pdb
from benchmarks.pipeline import WrongResultError
from benchmarks.plan import Plan
from benchmarks.rundown import NAMED, NAMED_DEBUG
from benchmarks.size import size_text
from benchmarks.table import Row
from benchmarks.taken import Taken, taken
from benchmarks.traces import Traces
from tracer.kernels.store import cache_directory

CACHED_SECONDS: Final = 0.3
"""More than without names, where the PDB file was read before."""
FRESH_SECONDS: Final = 3.0
"""The same where it was not."""
FINDINGS: Final = 20
_LEAST_NAMED: Final = 0.6
"""Of the frames in the image, four fifths of which are code of the PDB's functions."""


def rows(plan: Plan, traces: Traces) -> Iterator[Row]:
    """Without names, with, and with for the first time, in turn; the best of each."""
    trace, runs = traces.get(plan.size, plan.outstanding), plan.runs
    with TemporaryDirectory(prefix="poolscope-benchmarks-") as folder:
        pdb = Path(folder) / NAMED_DEBUG.name
        make_pdb(pdb)
        sizes = size_text(trace.expected.bytes), size_text(pdb.stat().st_size)
        section = f"names: analyze {sizes[0]} --top {FINDINGS}, a PDB file of {sizes[1]}, best of {runs}"
        measured = _measured(trace.path, Path(folder), runs)
    without = measured.without
    yield Row(section, "without names", without.wall, note=f"{without.cpu:.2f} s of CPU")
    for name, found, most in (("cached", measured.cached, CACHED_SECONDS), ("uncached", measured.fresh, FRESH_SECONDS)):
        more = f"{found.wall - without.wall:+.2f} s, at most {most:+g} s; {found.cpu - without.cpu:+.2f} s of CPU"
        note = f"{more}; {measured.named} of {measured.frames} frames named"
        ratio = found.wall / (without.wall + most)
        yield Row(section, f"with names, {name}", found.wall, ratio=ratio, to="budget", limit=1.0, note=note)


@dataclass(frozen=True, slots=True)
class _Measured:
    """Of the ``frames`` in the image that the document tells so many are ``named``."""

    without: Taken
    cached: Taken
    fresh: Taken
    frames: int
    named: int


def _measured(trace: Path, folder: Path, runs: int) -> _Measured:
    without = cached = fresh = Taken()
    symbols, kept = ("--symbols", str(folder)), folder / "kept"
    told = _analyzed(trace, kept, ("--json", *symbols))  # compiles, and reads the PDB file
    findings = json.loads(told)["findings"][:FINDINGS]
    frames = [frame for frame in _frames(findings) if frame["module"] == NAMED]
    named = sum(frame["symbol"] is not None for frame in frames)
    if not frames or named < _LEAST_NAMED * len(frames):
        raise WrongResultError(f"{named} of {len(frames)} frames in {NAMED} have names")
    for run in range(runs):
        report = ("--top", str(FINDINGS))
        without = without.least(taken(partial(_analyzed, trace, kept, report)))
        cached = cached.least(taken(partial(_analyzed, trace, kept, (*report, *symbols))))
        fresh = fresh.least(taken(partial(_analyzed, trace, folder / f"fresh{run}", (*report, *symbols))))
    return _Measured(without, cached, fresh, len(frames), named)


def _analyzed(trace: Path, cache: Path, words: tuple[str, ...]) -> bytes:
    """What it writes; what is kept of PDB files lies in ``cache``."""
    command = [sys.executable, "-m", "poolscope", "analyze", str(trace), "--quiet"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "NUMBA_CACHE_DIR": str(cache_directory())}
    return subprocess.run([*command, *words], env=environment, stdout=subprocess.PIPE, check=True).stdout


def _frames(part: object) -> Iterator[dict[str, Any]]:
    """Frames anywhere in a document."""
    if isinstance(part, dict):
        if "module" in part and "symbol" in part:
            yield part
        for each in part.values():
            yield from _frames(each)
    elif isinstance(part, list):
        for each in part:
            yield from _frames(each)
