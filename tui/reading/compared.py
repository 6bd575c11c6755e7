"""From the options of a command that compares traces to what changed between them, and what to know of each."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from analyzers.comparison.changes import Comparison, compare
from analyzers.selection.query import EVERYTHING, Query
from analyzers.selection.select import select
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tracer.errors import InputError, PoolscopeError
from tui.incompleteness import missing_words
from tui.reading.one_snapshot import read_each
from tui.redaction.redaction import Redaction
from tui.unfitting import check_together

_LOST: Final = "a free that is missing looks like memory that is kept"
_NOT_DRAINED: Final = "no drain, as another has: memory that is freed late looks as if it were kept"
_NO_STACKS: Final = "no call stacks"
_NOT_COMPARED: Final = f"{_NO_STACKS}: drivers and call sites are not compared"


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """``snapshots``: of the traces that are compared, whole. ``notes``: what to know of each of them.

    ``unread``: those in the middle of a series that cannot be read, by path, and why. ``filters``: what of the traces
    is compared.
    """

    comparison: Comparison
    snapshots: tuple[Snapshot, ...]
    notes: tuple[tuple[str, ...], ...]
    unread: tuple[tuple[str, PoolscopeError], ...] = ()
    filters: Query = EVERYTHING


def read_compared(
    args: argparse.Namespace,
    every: Sequence[Sequence[Path]],
    *,
    session: int | None = None,
    filters: Query = EVERYTHING,
    redaction: Redaction | None = None,
) -> Compared:
    """Read traces, the earliest first, and compare what the filters leave of them.

    ``session``: of the last one. Raises InputError where the first or the last cannot be read, UsageError for a filter
    that fits nothing in any of them.
    """
    unread: list[tuple[str, PoolscopeError]] = []

    def leave_out(place: int, error: InputError) -> None:
        if place in (0, len(every) - 1):
            raise error
        path = str(every[place][0])
        unread.append((path, error) if redaction is None else (redaction.know_path(path), redaction.error(error)))

    snapshots = read_each(args, every, session, leave_out)
    if redaction is not None:
        from tui.redaction.snapshots import redacted

        snapshots = [redacted(each, redaction) for each in snapshots]
        filters = redaction.query(filters)
    check_together(snapshots, filters)
    found = compare([select(each, filters) for each in snapshots])
    return Compared(found, tuple(snapshots), tuple(map(tuple, notes(snapshots))), tuple(unread), filters)


def notes(snapshots: Sequence[Snapshot]) -> list[list[str]]:
    """By trace, what makes one doubt it."""
    every: list[list[str]] = []
    drained = [each.coverage is not None and each.coverage.drain is not None for each in snapshots]
    for place, snapshot in enumerate(snapshots):
        said = [*_order_words(place, snapshots)]
        if not snapshot.pool.totals.events:
            said.append("no pool events")
        elif not (snapshot.pool.sites.stack >= 0).any():
            said.append(_NOT_COMPARED if place in (0, len(snapshots) - 1) else _NO_STACKS)
        if any(drained) and not drained[place]:
            said.append(_NOT_DRAINED)
        if missing := missing_words(snapshot):
            said.append(f"{', '.join(missing)}; {_LOST}")
        every.append(said)
    return every


def _order_words(place: int, snapshots: Sequence[Snapshot]) -> list[str]:
    """That it is there twice, or began before the one that it is compared with."""
    own = snapshots[place]
    for earlier in range(place):
        other = snapshots[earlier]
        if (other.info.start, other.at_ns, other.pool.totals) == (own.info.start, own.at_ns, own.pool.totals):
            return [f"the same recording as {earlier + 1}"]
    began = snapshots[place - 1].info.start if place else 0
    if 0 < own.info.start < began:
        return [f"recorded before {place}: the older trace is named first"]
    return []
