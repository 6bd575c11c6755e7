"""The parts of the table beside a commit; each is one line in ``SECTIONS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.against import big, passages, starting
from benchmarks.against.installed import Sides, sides
from benchmarks.plan import Plan
from benchmarks.sections import Section
from benchmarks.table import Row
from benchmarks.traces import Traces

SECTIONS: Final[Mapping[str, Callable[[Sides, Plan, Traces], Iterator[Row]]]] = {
    "starts": starting.starts,
    "first": starting.first,
    "big": big.big,
    "peaks": big.memory,
    "requests": passages.requests,
    "pool": passages.pool,
}
"""By the name that ``--only`` takes, in the order of the table."""


def against(commit: str, folder: Path) -> dict[str, Section]:
    """Everything installed in ``folder``, ready to be measured. ``ValueError`` where it cannot be installed."""
    made = sides(commit, folder)
    return {name: partial(section, made) for name, section in SECTIONS.items()}
