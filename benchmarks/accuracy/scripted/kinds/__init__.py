"""Kinds of scripted traces by name. A new one is a function and one line in its family's ``KINDS``."""

from __future__ import annotations

from typing import Final

from benchmarks.accuracy.scripted.kinds import (
    driver_leaks,
    equilibrium,
    modest_leaks,
    processes,
    request_leaks,
    servers,
    socket_loops,
    steady_state,
    waves,
)
from benchmarks.accuracy.scripted.kinds.kind import Kind

_FAMILIES: Final = (
    socket_loops,
    driver_leaks,
    modest_leaks,
    request_leaks,
    steady_state,
    equilibrium,
    waves,
    servers,
    processes,
)
KINDS: Final[dict[str, Kind]] = {kind.name: kind for family in _FAMILIES for kind in family.KINDS}
"""In the order in which a table lists them: what leaks first."""
