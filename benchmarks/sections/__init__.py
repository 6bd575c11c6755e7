"""One module for each part of the table; each gives rows, and is one line in ``SECTIONS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from benchmarks.plan import Plan
from benchmarks.sections import comparing, live, long, memory, names, peers, speed, start
from benchmarks.table import Row
from benchmarks.traces import Traces

Section = Callable[[Plan, Traces], Iterator[Row]]

SECTIONS: Final[Mapping[str, Section]] = {
    "speed": speed.rows,
    "start": start.rows,
    "peers": peers.rows,
    "memory": memory.rows,
    "live": live.rows,
    "names": names.rows,
    "diff": comparing.rows,
    "long": long.rows,
}
"""By the name that ``--only`` takes, in the order of the table."""
ON_REQUEST: Final = frozenset({"long"})
"""Only run where ``--only`` names them: a long trace takes minutes, and room for 20 GiB."""
