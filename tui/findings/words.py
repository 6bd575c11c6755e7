"""A finding in plain words: who, what, how much, how fast, how sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from analyzers.findings import Accused, Evidence, Finding, PortPart
from analyzers.formatting import agreeing, counted, exact_size, size
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from analyzers.threads import IDLE_THREAD
from analyzers.verdicts.calls import CALLS, calling_modules
from tracer.columns import UNKNOWN_ID
from tui.safe_text import safe
from tui.tables.words import named_process

INFERRED_KINDS: Final = frozenset({"pending-apc", "port", "driver-kept", "held"})
"""Kinds of nodes on the way to memory that no event names."""

HOW_SURE: Final = (
    (95, "nearly certain"),
    (80, "very likely"),
    (60, "likely"),
    (40, "possible"),
    (0, "a mere suspicion"),
)
"""A confidence of at least so many per cent, as they are shown, in words."""
_THREADS_NAMED: Final = 4
"""Threads that a sentence names one by one."""
_GROUPS_NAMED: Final = 4
"""Groups of one cause that a sentence names one by one."""
_MOST_PERCENT: Final = 99
"""No conclusion from a trace is certain, so none is shown as 100 %."""


def whole_percents(confidence: float) -> int:
    """A confidence as the whole per cent that are shown of it: words and numbers are told from these alone."""
    return min(round(confidence * 100), _MOST_PERCENT)


def percent(confidence: float) -> str:
    """A confidence as a percentage."""
    return whole_percent(whole_percents(confidence))


def whole_percent(percents: int) -> str:
    """Whole per cent, as :func:`percent` says it."""
    return f"{percents} %"


def how_sure(confidence: float) -> str:
    """A confidence in words, by the percentage that stands beside them."""
    shown = whole_percents(confidence)
    return next(words for least, words in HOW_SURE if shown >= least or not least)


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
    """Who is accused, in a few words: process and thread, the driver, or whose port it is."""
    match finding.accused:
        case Accused.PORT:
            return port_words(finding.port).removeprefix("a completion ")
        case Accused.PROCESS:
            return _process_and_thread(finding) or "several processes"
        case _:
            return driver_words(finding.driver)


def driver_words(driver: str) -> str:
    """A driver's name."""
    return safe(driver) or "an unknown driver"


def port_words(port: PortPart | None) -> str:
    """A completion port by its owner; no event names one."""
    if port is None or known_id(port.process_id) is None:
        return "a completion port"
    return f"a completion port of {named_process(port.process, port.process_id or 0)}"


def who_words(finding: Finding) -> str:
    """Who is accused first, then who else has to do with it."""
    driver = safe(finding.driver)
    match finding.accused:
        case Accused.PORT:
            return _port_users(finding)
        case Accused.PROCESS:
            asking = _process_and_thread(finding) or "several processes: no single one stands out"
            return asking + (f", by way of {driver}" if driver else "")
        case _:
            asking = _process_and_thread(finding)
            whom = f"for {asking}" if asking else "no single process stands out"
            return f"{'driver ' if finding.driver else ''}{driver_words(finding.driver)}, {whom}"


def _process_and_thread(finding: Finding) -> str:
    """Empty where no process stands out."""
    process, thread = process_words(finding), known_id(finding.thread_id)
    return f"{process} thread {thread}" if process and thread is not None else process


def _port_users(finding: Finding) -> str:
    port = finding.port
    if port is None:
        return "a completion port"
    return f"{port_words(port)}; filled by {thread_list(port.enqueued_by)}; read by {thread_list(port.dequeued_by)}"


def thread_list(threads: Sequence[int]) -> str:
    """The first threads by id, and how many more there are; what the idle thread does there, interrupts do."""
    named = [str(thread) for thread in threads if thread != IDLE_THREAD]
    said = [f"{agreeing(len(named), 'thread', 'threads')} {', '.join(named[:_THREADS_NAMED])}"] if named else []
    if len(named) > _THREADS_NAMED:
        said.append(f"{len(named) - _THREADS_NAMED:,} more")
    if len(named) < len(threads):
        said.append("DPCs")
    return " and ".join(said) or "no thread"


def call_words(finding: Finding, snapshot: Snapshot) -> str:
    """The program's module and those that its call came through; empty where the trace does not tell."""
    modules = [safe(name) for name in calling_modules(snapshot.names, finding.user_stack, known_id(finding.process_id))]
    if len(modules) < 2:
        return "".join(modules)
    return f"{modules[-1]} through {', '.join(reversed(modules[:-1]))}"


def further_evidence(finding: Finding, snapshot: Snapshot) -> tuple[Evidence, ...]:
    """The evidence without that which :func:`call_words` and :func:`amount_words` say already."""
    said = {CALLS if call_words(finding, snapshot) else "", "retained"}
    return tuple(each for each in finding.evidence if each.rule not in said)


def group_words(finding: Finding) -> str:
    """What else goes with the same cause; empty for nothing."""
    others = finding.groups[1:]
    said = [f"{group.count:,} {tag_name(group.tag)} ({size(group.bytes)})" for group in others[:_GROUPS_NAMED]]
    more = len(others) - _GROUPS_NAMED
    return ", ".join(said) + (f" and {counted(more, 'group')} more" if more > 0 else "")


def what_words(finding: Finding, snapshot: Snapshot) -> str:
    """Tag, kind of pool, and what the tag is known to stand for."""
    about = tag_description(snapshot, finding.tag, paged=finding.paged)
    return f"tag {tag_name(finding.tag)} in {pool_name(paged=finding.paged)}" + (f": {about}" if about else "")


def amount_words(finding: Finding) -> str:
    """Outstanding allocations, and what would be released with them."""
    count = counted(finding.count, "allocation")
    more = f"; {counted(finding.undecided, 'more is', 'more are')} too young to tell" if finding.undecided else ""
    if finding.retained_bytes <= finding.bytes:
        return f"{count}, {exact_size(finding.bytes)}{more}"
    return f"{count}, {size(finding.bytes)}; retains {exact_size(finding.retained_bytes)}{more}"


def sure_words(finding: Finding) -> str:
    """The confidence, and what lowered it."""
    said, doubts = confidence_words(finding), doubt_words(finding)
    return f"{said}; lowered because: {doubts}" if doubts else said


def confidence_words(finding: Finding) -> str:
    """How sure, as a percentage and in a word."""
    return f"{percent(finding.confidence)}, {how_sure(finding.confidence)}"


def doubt_words(finding: Finding) -> str:
    """What lowered the confidence; empty for nothing."""
    return "; ".join(safe(doubt).rstrip(".") for doubt in finding.doubts)


def finite(value: float) -> float | None:
    """The value, ``None`` where it is not a number or without bound."""
    return value if math.isfinite(value) else None


def tag_description(snapshot: Snapshot, tag: int, *, paged: bool) -> str:
    """What a tag is known to stand for, harmless; empty where no list says it."""
    tags = snapshot.pool.tags
    rows = ((tags.tag == tag) & (tags.paged == paged)).nonzero()[0]
    return safe(tags.description[int(rows[0])]) if len(rows) else ""
