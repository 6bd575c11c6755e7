"""Traces that are compared in tests."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from fixtures.settings import Settings
from fixtures.simulate import simulate
from tui.reading.compared import Compared, read_compared


def compared(kinds: Sequence[str], *, think_ns: int = 400_000, folder: Path) -> Compared:
    """Simulated traces of some kinds, ``0.etl`` and so on, the last against the first."""
    paths = [folder / f"{place}.etl" for place in range(len(kinds))]
    for place, (path, kind) in enumerate(zip(paths, kinds, strict=True)):
        simulate(kind, place, Settings(iterations=150, think_ns=think_ns)).write(path)
    args = Namespace(pooltag=None, quiet=True, symbols=None, symbol_server=False, map=None)
    return read_compared(args, [[path] for path in paths])
