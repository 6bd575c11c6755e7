"""Totals of a trace that lost events, as intervals in which those of the whole trace lie; and what a gap leaves open.

Two things bound a loss. What the session tells: no more pool events are missing than events, and than fit into as many
buffers. And what the books show, where the loss is spread over the trace: of the addresses that were handed out again
so many came without their free (:func:`analyzers.loss_model.lost_frees`), and as many of the frees of all blocks are
missing. Lost events may come many in a row, so that chance spreads wider than for single ones.

A block whose allocation is lost leaves no sign, unless its free is seen. So where the session does not tell of a loss
nothing bounds how many there were: the totals are that much or more.
"""

from __future__ import annotations

from enum import IntEnum
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.loss_model import lost_frees, replaced_and_again, share_of
from analyzers.policy import LOSS
from analyzers.pool_tables import PoolSnapshot
from tracer.arrays import I64
from tracer.data_classes import dataclass
from tracer.errors import Damage
from tracer.etl.headers import HEADER_BYTES
from tracer.trace import Loss, TraceInfo

_F64 = npt.NDArray[np.float64]
OPEN: Final = int(np.iinfo(np.int64).max)
"""In place of a high end that nothing bounds."""
_FAR: Final = float(1 << 62)
_LEAST_RECORD: Final = 32
"""Bytes of the shortest pool event: a PERFINFO header of 16, two numbers of 4, two of a pointer of 4."""


class Total(IntEnum):
    """What is added up, of all tags and of each."""

    ALLOCATIONS = 0
    FREES = 1
    OUTSTANDING_COUNT = 2
    OUTSTANDING_BYTES = 3


@dataclass(frozen=True, slots=True)
class Interval:
    """Low and high end; ``high`` is ``None`` where nothing bounds it."""

    low: int
    high: int | None


@dataclass(frozen=True, slots=True, eq=False)
class LossBounds:
    """Totals of the whole trace, by :class:`Total` and by row of the tag table, those of all tags last.

    ``low``, ``high``: int64 (totals, tags + 1); :data:`OPEN` for a high end that nothing bounds.
    """

    low: I64
    high: I64

    @property
    def overall(self) -> LossBounds:
        """Without those of single tags."""
        return LossBounds(self.low[:, -1:], self.high[:, -1:])

    def of(self, total: Total, tag_row: int = -1) -> Interval | None:
        """The interval of a tag's total, ``None`` where there are none of tags; of all tags without a row."""
        if tag_row >= self.low.shape[1] - 1:
            return None
        high = self.high[total, tag_row].item()
        return Interval(self.low[total, tag_row].item(), None if high == OPEN else high)


def uncertain_until(loss: Loss, damage: tuple[Damage, ...], at_ns: int) -> int:
    """When the last gap ends: what was there before may have ended in it, on whatever CPU. 0 where nothing is missing.

    Of a loss that nothing tells, and of damaged bytes, nobody knows when the last event was: it may be at ``at_ns``.
    """
    if loss.inferred is not None or damage:
        return at_ns
    return max((loss.complete_from_ns, *(gap.to_ns for gap in loss.gaps)))


def no_bounds() -> None:
    """Of what is no whole trace."""


def loss_bounds(
    pool: PoolSnapshot, loss: Loss, damage: tuple[Damage, ...], info: TraceInfo, at_ns: int
) -> LossBounds | None:
    """The intervals of a snapshot; ``None`` where nothing is missing."""
    until_ns = uncertain_until(loss, damage, at_ns)
    if not until_ns or pool.signs is None or not pool.totals.events:
        return None
    books = _Books.of(pool, until_ns)
    told = _most_lost(pool, loss, damage, info)
    rate = _Rate.of(pool, books) if _is_spread(loss, damage, at_ns) else None
    stay, gone = _false_survivors(books, told, rate)
    unseen = _unseen_survivors(books, told, rate)
    held = books.bytes - books.least_bytes(gone) + books.bytes_of(unseen)
    low = np.floor(
        [books.made, books.frees + books.replaced, books.kept - stay, books.bytes - books.most_bytes(stay, rate)]
    )
    high = np.ceil([books.made + told, books.frees + told, books.kept - gone + unseen, held])
    whole, top = low.astype(np.int64), np.full(high.shape, OPEN)
    top[high < _FAR] = high[high < _FAR].astype(np.int64)
    return LossBounds(whole, np.maximum(top, whole))


def _most_lost(pool: PoolSnapshot, loss: Loss, damage: tuple[Damage, ...], info: TraceInfo) -> float:
    """Pool events that are missing at most, by what the session tells; infinite where nothing bounds them."""
    reasons = {gap.reason for gap in loss.gaps}
    buffers = max(loss.buffers_lost, sum(gap.buffers for gap in loss.gaps))
    in_buffer = (info.buffer_bytes - HEADER_BYTES) // _LEAST_RECORD if info.buffer_bytes else inf
    uncounted = (
        loss.complete_from_ns > 0
        or bool(damage)
        or "between-files" in reasons
        or ("events-lost" in reasons and not loss.events_lost)
        or ("buffer-lost" in reasons and not buffers)
        or (not info.finalised and bool(info.buffer_bytes))
    )
    most = inf if uncounted else float(loss.events_lost + (buffers * in_buffer if buffers else 0))
    return most if most > 0 and replaced_and_again(pool)[0] <= most else inf


def _is_spread(loss: Loss, damage: tuple[Damage, ...], at_ns: int) -> bool:
    """Whether the loss is spread over the trace, so that the frees that are seen tell of those that are not.

    One that nothing tells is taken to be. A gap that is long says little of where in it events are missing.
    """
    if loss.complete_from_ns or damage:
        return False
    if not (loss.events_lost or loss.buffers_lost or loss.gaps):
        return True
    short = sorted((g.from_ns, g.to_ns) for g in loss.gaps if g.to_ns - g.from_ns <= LOSS.short_gap * at_ns)
    covered = reached = 0
    for begin, end in short:
        covered += max(end - max(begin, reached), 0)
        reached = max(reached, end)
    return covered >= LOSS.spread_over * at_ns


@dataclass(frozen=True, slots=True)
class _Rate:
    """How many frees are lost for each that is seen, at least and at most; ``by_tag``: of each tag alone, at most.

    Blocks that live longer than a burst lose their free more often than others, which lose both events.
    ``alone``: how many frees are seen whose address was not handed out again, at least and at most. Those among the
    lost ones leave a block that looks outstanding.
    """

    least: float
    most: float
    by_tag: _F64
    alone: tuple[float, float]

    @classmethod
    def of(cls, pool: PoolSnapshot, books: _Books) -> _Rate:
        frees = lost_frees(pool)
        error = inf if pool.signs is None else LOSS.interval_sigmas * pool.signs.error
        matched, again = pool.totals.matched, replaced_and_again(pool)[1]
        alone = max(matched - again - error, 0.0), min(max(matched - again + error, 0.0), matched)
        part = again / max(matched, 1)
        by_tag = [
            _for_each(share_of(replaced, replaced + part * mine, LOSS.interval_sigmas, LOSS.in_a_row).high)
            for replaced, mine in zip(books.replaced.tolist(), books.matched.tolist(), strict=True)
        ]
        return cls(_for_each(frees.low), _for_each(frees.high), np.array(by_tag), alone)


def _for_each(share: float) -> float:
    return share / max(1 - share, 1e-9)


def _chance(expected: _F64 | float) -> _F64:
    """By how much what is expected may be exceeded by chance."""
    return np.asarray(LOSS.interval_sigmas * np.sqrt(LOSS.in_a_row * np.asarray(expected)))


def _false_survivors(books: _Books, told: float, rate: _Rate | None) -> tuple[_F64, _F64]:
    """Outstanding blocks that were freed in truth: at most, and at least.

    A burst cuts off the frees of as many blocks as it does allocations; and of those that live shorter, both.
    """
    most = np.minimum(books.open, max(told - books.replaced[-1], 0))
    if rate is None:
        return most, np.zeros(len(most))
    every = rate.most * rate.alone[1]
    crossing = books.unmatched[-1]
    total = max(every + _chance(every).item(), crossing + _chance(crossing).item() - books.replaced[-1])
    lost = np.maximum(books.matched * np.maximum(rate.by_tag, rate.most), books.unmatched)
    most = np.minimum(most, np.maximum(lost + _chance(lost) - books.replaced, 0))
    most = np.ceil(np.minimum(most, total))
    most[-1] = min(most[-1], most[:-1].sum())
    least = np.zeros(len(most))
    every = rate.least * rate.alone[0]
    least[-1] = min(max(np.floor(every - _chance(every)), 0), most[-1])
    return most, least


def _unseen_survivors(books: _Books, told: float, rate: _Rate | None) -> _F64:
    """Outstanding blocks whose allocation is missing, at most: of a loss that is spread, as many as of all others."""
    most = np.full(len(books.kept), told)
    if rate is None or told == inf:
        return most
    lost = told / max(books.made[-1], 1)
    return np.asarray(np.minimum(most, lost * books.kept + _chance(lost * (books.kept + 1))))


@dataclass(frozen=True, slots=True, eq=False)
class _Books:
    """Counters by tag, those of all tags last (float64, tags + 1).

    ``unmatched``: frees without allocation, as many as there would be if all were as in the second half. ``open``:
    outstanding blocks that may have been freed in a gap. ``sizes``: theirs, by tag and the largest first, and
    ``every``: the largest of all first, each summed up from 0; ``first``: where each tag begins. ``mean``, ``square``:
    mean size and mean square.
    """

    made: _F64
    frees: _F64
    kept: _F64
    bytes: _F64
    matched: _F64
    replaced: _F64
    unmatched: _F64
    open: _F64
    sizes: _F64
    every: _F64
    first: I64
    mean: _F64
    square: _F64
    allocated_mean: _F64

    @classmethod
    def of(cls, pool: PoolSnapshot, until_ns: int) -> _Books:
        tags, sites, rows = pool.tags, pool.sites, pool.outstanding
        count = len(tags.tag)
        made, frees, kept, held = (
            _with_sum(column)
            for column in (tags.allocations, tags.frees, tags.outstanding_count, tags.outstanding_bytes)
        )
        matched, allocated = (
            _with_sum(np.bincount(sites.tag_row, column, count)) for column in (sites.frees, sites.allocated_bytes)
        )
        replaced = made - kept - matched
        if pool.signs is not None and pool.signs.in_session:  # of which tag these are is not known
            replaced[:-1] = 0
            replaced[-1] -= pool.signs.in_session
        mine = rows.time_ns < until_ns
        size, tag = rows.size[mine].astype(np.float64), sites.tag_row[rows.site[mine]]
        order = np.lexsort((-size, tag))
        each = _with_sum(np.bincount(tag, minlength=count))
        mean, square = (_with_sum(np.bincount(tag, sums, count)) / np.maximum(each, 1) for sums in (size, size**2))
        return cls(
            made, frees, kept, held, matched, np.maximum(replaced, 0), _late_unmatched(pool, count), each,
            _summed(size[order]), _summed(np.sort(size)[::-1]), np.searchsorted(tag[order], np.arange(count + 1)),
            mean, square, allocated / np.maximum(made, 1),
        )  # fmt: skip

    def most_bytes(self, count: _F64, rate: _Rate | None) -> _F64:
        """What so many of the open blocks of each tag hold at most; where lost frees are spread, by chance."""
        number = count.astype(np.int64)
        largest = self.sizes[self.first[:-1] + number[:-1]] - self.sizes[self.first[:-1]]
        most = np.append(largest, self.every[number[-1]])
        if rate is None:
            return most
        likely = np.minimum(self.matched * rate.most, self.open)[:-1]
        share = max(count[-1] / max(likely.sum(), 1), 1)
        mean = np.append(count[:-1] * self.mean[:-1], share * (likely * self.mean[:-1]).sum())
        square = np.append(count[:-1] * self.square[:-1], share * (likely * self.square[:-1]).sum())
        return np.asarray(np.minimum(most, mean + LOSS.interval_sigmas * np.sqrt(square)))

    def least_bytes(self, count: _F64) -> _F64:
        """What so many of the open blocks of each tag hold at least."""
        number = count.astype(np.int64)
        smallest = self.sizes[self.first[1:]] - self.sizes[self.first[1:] - number[:-1]]
        return np.append(smallest, self.every[-1] - self.every[len(self.every) - 1 - number[-1]])

    def bytes_of(self, count: _F64) -> _F64:
        """What so many blocks that are not seen hold at most, as far as those that are tell their sizes."""
        mean = np.maximum(self.mean, self.allocated_mean)
        square = np.maximum(self.square, mean**2)
        finite = np.where(count < inf, count, 0.0)
        most = finite * mean + LOSS.interval_sigmas * np.sqrt(finite * square)
        return np.where(count < inf, most, inf)


def _late_unmatched(pool: PoolSnapshot, tags: int) -> _F64:
    """Twice the frees without allocation in the second half: those before are of blocks from before the trace."""
    history = pool.history
    late = history.unmatched[:tags, history.used // 2 : history.used].sum(axis=1)
    return _with_sum(2 * np.append(late, np.zeros(tags - len(late), np.int64)))


def _with_sum(column: npt.NDArray[np.integer | np.floating]) -> _F64:
    return np.append(column, column.sum()).astype(np.float64)


def _summed(column: _F64) -> _F64:
    return np.append(0.0, np.cumsum(column))
