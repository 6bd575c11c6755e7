"""The pool's part of a report: the ledger, and who knows what is outstanding."""

from __future__ import annotations

from typing import Final

import numpy as np
from rich.text import Text

from analyzers.formatting import agreeing, counted, exact_size, moment, number, size
from analyzers.loss_bounds import Interval, Total
from analyzers.pool_tables import Outstanding, PoolSnapshot, PoolTotals
from analyzers.pooltag import tag_text
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tracer.columns import UNKNOWN_ID, Who
from tracer.live.counters import PoolCounters
from tui.report.styles import WARNING, heading, labelled, note
from tui.tables.words import pool_word

_WHO_WORDS = (
    (Who.STACK, "by their stacks"),
    (Who.HEADER, "by record headers"),
    (Who.CONTEXT_SWITCH, "inferred from context switches"),
)


_FAILING_TAGS: Final = 5
"""Tags whose allocations failed that a report names; --json has all."""


def has_pool_events(totals: PoolTotals) -> bool:
    """Whether the trace tells anything about pool memory."""
    return totals.events > 0


def ledger_lines(snapshot: Snapshot) -> list[Text]:
    """The totals, as the two equations that hold between them, what is in neither, and what a loss leaves of them."""
    pool = snapshot.pool
    totals = pool.totals
    made = _sum(
        totals.allocations,
        (totals.matched, "freed"),
        (totals.outstanding_count, "outstanding"),
        (totals.replaced_without_free, "whose free was lost"),
    )
    freed = _sum(
        totals.frees,
        (totals.matched, "of these allocations"),
        (totals.frees_without_allocation, "of blocks from before the trace"),
    )
    held = f"{counted(totals.outstanding_count, 'allocation')}, {exact_size(totals.outstanding_bytes)}"
    held = held if totals.outstanding_count else "none"
    return [
        heading("Pool"),
        labelled("allocations", made),
        labelled("frees", freed),
        labelled("outstanding", held),
        *failed_lines(pool),
        note("  Outstanding: allocated in this trace and not freed in it. That alone is not a leak."),
        *_interval_lines(snapshot),
    ]


def _interval_lines(snapshot: Snapshot) -> list[Text]:
    """Where the totals of the whole trace lie, and how much may have been freed; none where nothing is missing."""
    if (bounds := snapshot.bounds()) is None:
        return []
    made, freed, count, held = (_interval(bounds.of(total), total) for total in Total)
    rows = snapshot.pool.outstanding.time_ns < snapshot.uncertain_until_ns
    open_count = int(np.count_nonzero(rows))
    open_bytes = exact_size(int(snapshot.pool.outstanding.size[rows].sum(dtype=np.uint64)))
    until = moment(snapshot.uncertain_until_ns)
    return [
        labelled("with loss", f"{count} outstanding, {held}; {made} allocations, {freed} frees (inferred)"),
        note(
            f"  With what is missing, the trace's totals lie there. Events are missing up to {until}: of what was made"
            f" before, {counted(open_count, 'outstanding allocation')}, {open_bytes}, may have been freed."
        ),
    ]


def _interval(found: Interval | None, total: Total) -> str:
    if found is None:
        return "not known"
    say = size if total is Total.OUTSTANDING_BYTES else number
    low = say(found.low)
    if found.high is None:
        return f"{low} or more"
    return low if found.high == found.low else f"{low} to {say(found.high)}"


def _sum(total: int, *parts: tuple[int, str]) -> str:
    """A count and what it is made of, without the parts that are none."""
    said = [(count, words) for count, words in parts if count]
    if len(said) < 2:
        return f"{total:,}, {agreeing(total, '', 'all ')}{said[0][1]}" if said else "none"
    return f"{total:,} = {' + '.join(f'{count:,} {words}' for count, words in said)}"


def failed_lines(pool: PoolSnapshot) -> list[Text]:
    """Allocations that got no memory, by tag: the pool, or a quota of it, was exhausted; none where all did."""
    failed = pool.tags.failed
    if not pool.totals.failed_allocations or failed is None:
        return []
    rows = np.argsort(-failed, kind="stable")[:_FAILING_TAGS]
    named = [(tag_text(int(pool.tags.tag[row])).rstrip(), pool_word(paged=bool(pool.tags.paged[row]))) for row in rows]
    tags = [f"{tag} ({kind}) {int(failed[row]):,}" for (tag, kind), row in zip(named, rows, strict=True) if failed[row]]
    more = ", …" if np.count_nonzero(failed) > len(tags) else ""
    said = f"{counted(pool.totals.failed_allocations, 'allocation')} got no memory: {', '.join(tags)}{more}"
    return [Text.assemble("  ", (f"{'failed':<12}", WARNING), "  ", said)]


def baseline_lines(baseline: PoolCounters | None) -> list[Text]:
    """What was allocated before the first event; nothing where nobody asked for it."""
    if baseline is None:
        return []
    held = f"{counted(int(baseline.count.sum()), 'allocation')}, {exact_size(int(baseline.bytes.sum()))}"
    return [labelled("before", f"{held}, by the pool's counters when the events began")]


def selection_lines(filters: Query, pool: PoolSnapshot) -> list[Text]:
    """What the filters let through."""
    if not filters:
        return []
    held = int(pool.outstanding.size.sum(dtype=np.uint64))
    return [
        labelled("selected", f"{counted(len(pool.outstanding), 'allocation')}, {exact_size(held)} ({filters})"),
        note(
            "  Findings, cleared groups, held requests and what is outstanding are of the selection; allocs, frees and"
            " peaks are of the whole trace."
        ),
    ]


def who_lines(outstanding: Outstanding) -> list[Text]:
    """How surely the process of what is outstanding is known."""
    if not len(outstanding):
        return []
    is_known = outstanding.process != UNKNOWN_ID
    counts, known = np.bincount(outstanding.who[is_known], minlength=len(Who)), int(np.count_nonzero(is_known))
    found = [(int(counts[who]), words) for who, words in _WHO_WORDS if counts[who]]
    how = [words if count == known else f"{count:,} {words}" for count, words in found]
    by = f" ({', '.join(how)})" if how else ""
    return [note(f"  Process named for {known:,} of {counted(len(outstanding), 'allocation')}{by}.")]
