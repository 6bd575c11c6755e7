"""Pending I/O completion APCs, thread by thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.findings import PendingApc, ThreadSince
from analyzers.quantities import counted, duration, size
from tui.findings.words import known_id
from tui.report.styles import heading, note
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


def pending_lines(pending: Sequence[PendingApc]) -> list[Text]:
    """One line for each thread, most bytes first; none where no APC is pending."""
    if not pending:
        return []
    threads: dict[tuple[int, int], list[PendingApc]] = {}
    for apc in pending:
        threads.setdefault((apc.process_id, apc.thread_id), []).append(apc)
    ordered = sorted(threads.values(), key=_retained, reverse=True)
    lines = [
        heading("Pending I/O completion APCs, by thread"),
        note("  Inferred: no trace event tells of an APC. These requests completed and were not seen to be retired."),
    ]
    lines += [_thread_line(apcs) for apcs in ordered[:_THREADS]]
    more = len(ordered) - _THREADS
    return [*lines, note(f"  and {counted(more, 'thread')} more (--json has all)")] if more > 0 else lines


def _retained(apcs: Sequence[PendingApc]) -> int:
    return sum(apc.retained_bytes for apc in apcs)


def _thread_line(apcs: Sequence[PendingApc]) -> Text:
    first = apcs[0]
    thread = "?" if known_id(first.thread_id) is None else str(first.thread_id)
    since = Counter(apc.since for apc in apcs).most_common()
    did = "; ".join(SINCE_WORDS[what] + (f" ({count:,})" if len(since) > 1 else "") for what, count in since)
    return Text(
        f"  {named_process(first.process, first.process_id)}, thread {thread}: {counted(len(apcs), 'request')},"
        f" {size(_retained(apcs))}, the oldest for {duration(max(apc.age_ns for apc in apcs))}; since then {did}"
    )
