"""Kinds of scripted traces by name. A new one is a function and one line in its family's ``KINDS``."""

from __future__ import annotations

from typing import Final

from benchmarks.accuracy.scripted.kinds import (
    driver_keeps,
    driver_leaks,
    equilibrium,
    handles,
    libraries,
    modest_leaks,
    ports,
    processes,
    references,
    rolled,
    servers,
    special_apcs,
    starts,
    steady_state,
    unended,
    unloads,
    user_apcs,
    waves,
)
from benchmarks.accuracy.scripted.kinds.kind import TraceKind

_FAMILIES: Final = (
    user_apcs,
    ports,
    driver_keeps,
    special_apcs,
    references,
    driver_leaks,
    modest_leaks,
    steady_state,
    equilibrium,
    waves,
    servers,
    processes,
    handles,
    starts,
    unended,
    rolled,
    libraries,
    unloads,
)
KINDS: Final[dict[str, TraceKind]] = {kind.name: kind for family in _FAMILIES for kind in family.KINDS}
"""In the order in which a table lists them."""
