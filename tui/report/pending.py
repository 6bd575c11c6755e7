"""Pending I/O completion APCs, thread by thread."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from rich.text import Text

from analyzers.findings import SINCE_CODES, PendingApcs, ThreadSince
from analyzers.quantities import counted, duration, size
from tui.findings.words import known_id
from tui.report.styles import heading, note
from tui.tables.coding import coded_pairs, sums
from tui.tables.words import named_process

_THREADS: Final = 5
"""Threads that a report lists; --json has every pending APC."""

SINCE_WORDS: Final = {
    ThreadSince.RAN: "the thread ran and did not wait",
    ThreadSince.WAITED: "the thread waited",
    ThreadSince.NEVER_RAN: "the thread never ran",
    ThreadSince.EXITED: "the thread has exited",
    ThreadSince.UNKNOWN: "nothing tells what the thread did",
}
"""What a thread did since a completion."""


def pending_lines(pending: PendingApcs) -> list[Text]:
    """One line for each thread, most bytes first; none where no APC is pending."""
    if not len(pending):
        return []
    threads, thread = coded_pairs(pending.process_id, pending.thread_id)
    ordered = np.argsort(-sums(thread, pending.retained_bytes, len(threads)), kind="stable").tolist()
    lines = [
        heading("Pending I/O completion APCs, by thread"),
        note("  Inferred: no trace event tells of an APC. These requests completed and were not seen to be retired."),
    ]
    lines += [_thread_line(pending.take(thread == at)) for at in ordered[:_THREADS]]
    more = len(ordered) - _THREADS
    return [*lines, note(f"  and {counted(more, 'thread')} more (--json has all)")] if more > 0 else lines


def _thread_line(apcs: PendingApcs) -> Text:
    first = apcs[0]
    thread = "?" if known_id(first.thread_id) is None else str(first.thread_id)
    since = Counter(apcs.since.tolist()).most_common()
    did = "; ".join(
        SINCE_WORDS[SINCE_CODES[what]] + (f" ({count:,})" if len(since) > 1 else "") for what, count in since
    )
    return Text(
        f"  {named_process(first.process, first.process_id)}, thread {thread}: {counted(len(apcs), 'request')},"
        f" {size(int(apcs.retained_bytes.sum()))}, the oldest for {duration(int(apcs.age_ns.max()))}; since then {did}"
    )
