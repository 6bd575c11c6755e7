"""A finding in plain words: who, what, how much, how fast, how sure."""

from __future__ import annotations

import math
from typing import Final

from analyzers.findings import Finding, Verdict
from analyzers.pooltag import tag_text
from analyzers.quantities import counted, duration, exact_size, size
from analyzers.snapshot import Snapshot
from tracer.columns import UNKNOWN_ID
from tui.safe_text import safe
from tui.tables.words import named_process

VERDICT_WORDS: Final = {
    Verdict.PENDING_APC: "waits for completion APCs",
    Verdict.MISSING_FREE: "never freed",
    Verdict.GROWTH: "grows, cause not shown",
    Verdict.CACHE: "a cache that levelled off",
    Verdict.TRANSIENT: "short-lived",
    Verdict.PRE_TRACE: "older than the trace",
    Verdict.UNKNOWN: "not enough to tell",
}
"""Every verdict in a few words."""

_HOW_SURE: Final = (
    (0.95, "nearly certain"),
    (0.8, "very likely"),
    (0.6, "likely"),
    (0.4, "possible"),
    (0.0, "a mere suspicion"),
)
"""A confidence of at least this much, in words."""
_MOST_PERCENT: Final = 99
"""No conclusion from a trace is certain, so none is shown as 100 %."""


def percent(confidence: float) -> str:
    """A confidence as a percentage."""
    return f"{min(round(confidence * 100), _MOST_PERCENT)} %"


def whole_percent(percents: int) -> str:
    """Whole per cent, as :func:`percent` says it."""
    return percent(percents / 100)


def how_sure(confidence: float) -> str:
    """A confidence in words."""
    return next(words for least, words in _HOW_SURE if confidence >= least or least == 0.0)


def known_id(number: int | None) -> int | None:
    """A process or thread id, ``None`` for every way of saying that it is not known."""
    return None if number == UNKNOWN_ID else number


def tag_name(tag: int) -> str:
    """A tag inside a sentence: without the blanks that fill it up to four characters."""
    return tag_text(tag).rstrip()


def pool_name(*, paged: bool) -> str:
    """The kind of pool inside a sentence."""
    return "paged pool" if paged else "nonpaged pool"


def process_words(finding: Finding) -> str:
    """The process by name and id, empty where none stands out."""
    pid = known_id(finding.process_id)
    return "" if pid is None else named_process(finding.process, pid)


def culprit(finding: Finding) -> str:
    """Process and thread, as far as one stands out, else the driver."""
    process, thread = process_words(finding), known_id(finding.thread_id)
    if process and thread is not None:
        return f"{process} thread {thread}"
    return process or driver_words(finding.driver)


def driver_words(driver: str) -> str:
    """A driver's name."""
    return safe(driver) or "(driver not known)"


def headline(finding: Finding) -> str:
    """The accusation in one sentence, without a full stop."""
    memory, driver = f"{tag_name(finding.tag)} memory", driver_words(finding.driver)
    match finding.verdict:
        case Verdict.PENDING_APC:
            return f"I/O completion APCs of {culprit(finding)} seem never to run"
        case Verdict.MISSING_FREE:
            return f"{driver} does not free all of the {memory} that it allocates"
        case _:
            return f"{memory} of {driver} keeps growing, and nothing shows why"


def alarm(finding: Finding) -> str:
    """The accusation with its size and confidence, for one line."""
    return f"LEAK ({percent(finding.confidence)} sure), {size(finding.retained_bytes)}: {headline(finding)}"


def who_words(finding: Finding) -> str:
    """Process, thread and driver."""
    process, thread = process_words(finding), known_id(finding.thread_id)
    parts = [f"process {process}" if process else "no single process stands out"]
    if thread is not None:
        parts.append(f"thread {thread}")
    return ", ".join([*parts, f"driver {driver_words(finding.driver)}"])


def what_words(finding: Finding, snapshot: Snapshot) -> str:
    """Tag, kind of pool, and what the tag is known to stand for."""
    about = tag_description(snapshot, finding.tag, paged=finding.paged)
    return f"tag {tag_name(finding.tag)} in {pool_name(paged=finding.paged)}" + (f": {about}" if about else "")


def amount_words(finding: Finding) -> str:
    """Outstanding allocations, and what would be released with them."""
    count = counted(finding.count, "allocation")
    if finding.retained_bytes <= finding.bytes:
        return f"{count}, {exact_size(finding.bytes)}"
    return f"{count}, {size(finding.bytes)}; retains {exact_size(finding.retained_bytes)}"


def rate_words(finding: Finding, snapshot: Snapshot) -> str:
    """Bytes per hour with their interval, and from how long a trace that is extrapolated."""
    if finite(finding.bytes_per_hour) is None:
        return "the trace is too short to tell"
    rate = f"{size(round(finding.bytes_per_hour))} an hour"
    low, high = (finite(bound) for bound in finding.bytes_per_hour_interval)
    if low is not None and high is not None:
        rate += f" (95 % interval {size(round(low))} to {size(round(high))})"
    return f"{rate}, over {duration(snapshot.at_ns)}"


def sure_words(finding: Finding) -> str:
    """The confidence, and what lowered it."""
    said = f"{percent(finding.confidence)}, {how_sure(finding.confidence)}"
    doubts = "; ".join(safe(doubt).rstrip(".") for doubt in finding.doubts)
    return f"{said}; lowered because: {doubts}" if doubts else said


def finite(value: float) -> float | None:
    """The value, ``None`` where it is not a number or without bound."""
    return value if math.isfinite(value) else None


def tag_description(snapshot: Snapshot, tag: int, *, paged: bool) -> str:
    """What a tag is known to stand for, harmless; empty where no list says it."""
    tags = snapshot.pool.tags
    rows = ((tags.tag == tag) & (tags.paged == paged)).nonzero()[0]
    return safe(tags.description[int(rows[0])]) if len(rows) else ""
