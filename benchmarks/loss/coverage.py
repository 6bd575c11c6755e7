"""Whether the intervals of totals hold what the whole trace has."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from analyzers.loss_bounds import Total
from analyzers.pool_tables import PoolSnapshot
from analyzers.snapshot import Snapshot
from benchmarks.accuracy import from_kernel
from benchmarks.accuracy.corpus import Writer
from benchmarks.accuracy.scripted import playing
from benchmarks.accuracy.spoilings import Lose, Spoiling
from benchmarks.accuracy.truth import Truth
from benchmarks.analysed import analysed
from benchmarks.loss.losing import Way


def play(writer: Writer, kind: str, seed: int, spoiling: Spoiling, lose: Lose | None = None) -> tuple[bytes, Truth]:
    """The file's bytes and what is true about it."""
    if writer is Writer.KERNEL:
        return from_kernel.play(kind, seed, spoiling, lose=lose)
    return playing.play(kind, seed, spoiling, lose=lose)


@dataclass(frozen=True, slots=True)
class Coverage:
    """``inside``, ``of``, ``open``: intervals that hold the truth, all, and those without a high end.

    By total, and whether it is a tag's. ``widths``: those of all tags together, by the truth. ``silent``: traces whose
    loss shows no sign: nothing is claimed of them.
    """

    inside: Counter[tuple[Total, bool]] = field(default_factory=Counter)
    of: Counter[tuple[Total, bool]] = field(default_factory=Counter)
    open: Counter[tuple[Total, bool]] = field(default_factory=Counter)
    widths: tuple[tuple[Total, float], ...] = ()
    silent: int = 0
    traces: int = 0

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(
            self.inside + other.inside,
            self.of + other.of,
            self.open + other.open,
            self.widths + other.widths,
            self.silent + other.silent,
            self.traces + other.traces,
        )

    @property
    def least(self) -> float:
        """Share of the intervals that hold the truth, of the total where it is least."""
        return min((self.inside[key] / count for key, count in self.of.items()), default=1.0)

    def lines(self) -> Iterator[str]:
        """A line for each total."""
        for total in Total:
            every, by_tag = (self.of[total, is_tag] for is_tag in (False, True))
            if not every:
                continue
            wide = [width for of, width in self.widths if of is total]
            width = f"{median(wide):.2f}" if wide else "-"
            name = total.name.lower().replace("_", " ")
            shares = [f"{self.inside[total, True] / max(by_tag, 1):.3f} of {by_tag:,} tags", f"width {width}"]
            shares.append(f"{self.open[total, False]} open")
            yield f"  {name:<18} {self.inside[total, False]} of {every}, {', '.join(shares)}"


def covered(case: tuple[Writer, str, int], ways: Sequence[Way]) -> dict[Way, Coverage]:
    """By way of loss: do the intervals hold what the whole trace has? One share each, drawn by the seed."""
    writer, kind, seed = case
    whole = analysed(play(writer, kind, seed, Spoiling.NONE)[0], diagnosed=False).pool
    found = {}
    for way in ways:
        share = random.Random(f"{kind} {seed} {way.name}").choice(way.shares)
        lose = None if way is Way.BUFFERS else way.lose(share, seed)
        found[way] = coverage_of(analysed(play(writer, kind, seed, way.spoiling, lose)[0], diagnosed=False), whole)
    return found


def coverage_of(found: Snapshot, whole: PoolSnapshot) -> Coverage:
    """A trace with loss held against the whole one."""
    if (bounds := found.bounds()) is None:
        return Coverage(silent=1, traces=1)
    inside, of, without_end = (Counter[tuple[Total, bool]]() for _ in range(3))
    true, widths = _by_tag(whole), list[tuple[Total, float]]()
    rows = {key: row for row, key in enumerate(_keys(found.pool))}
    for total in Total:
        every = sum(each[total] for each in true.values())
        for row, value in [(-1, every), *((rows[key], each[total]) for key, each in true.items() if key in rows)]:
            interval, key = bounds.of(total, row), (total, row >= 0)
            if interval is None:
                continue
            of[key] += 1
            inside[key] += interval.low <= value and (interval.high is None or value <= interval.high)
            without_end[key] += interval.high is None
            if row < 0 and interval.high is not None:
                widths.append((total, (interval.high - interval.low) / max(value, 1)))
    return Coverage(inside, of, without_end, tuple(widths), traces=1)


def _keys(pool: PoolSnapshot) -> list[tuple[int, bool]]:
    return list(zip(pool.tags.tag.tolist(), pool.tags.paged.tolist(), strict=True))


def _by_tag(pool: PoolSnapshot) -> dict[tuple[int, bool], tuple[int, int, int, int]]:
    tags = pool.tags
    columns = tags.allocations, tags.frees, tags.outstanding_count, tags.outstanding_bytes
    return dict(zip(_keys(pool), zip(*(column.tolist() for column in columns), strict=True), strict=True))
