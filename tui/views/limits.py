"""What a query limits a view to, in words: one for each limit, and what an interval makes of the numbers."""

from __future__ import annotations

from typing import Final

from analyzers.formatting import duration, moment
from analyzers.pool_tables import Names, PoolSnapshot
from analyzers.processes import ProcessLife
from analyzers.selection.intervals import FREED
from analyzers.selection.query import Lifetime, Query
from analyzers.selection.wording import WHOLE
from analyzers.snapshot import Snapshot
from tui.findings.words import tag_name
from tui.safe_text import safe
from tui.tables.sites import NO_STACK_TEXT, caller
from tui.tables.words import life_label, pool_word, thread_label

_SAYS: Final = {
    Lifetime.INSIDE_KEPT: "Made inside the interval and outstanding at the end of the trace.",
    Lifetime.BEFORE_KEPT: "Made before the interval and outstanding at the end of the trace.",
    Lifetime.INSIDE_FREED: "Allocs and Frees: made inside the interval and freed by the end of the trace.",
    Lifetime.BEFORE_FREED: "Allocs and Frees: freed inside the interval and made before it, at least so many"
    " (exactly, if it reaches to the end of the trace).",
}


def limit_words(scope: Query, snapshot: Snapshot) -> list[str]:
    """The widest limits first; harmless. Empty where nothing is limited."""
    said = {
        "finding": f"finding {scope.finding}",
        "cleared": "a cleared group",
        "tag": "" if scope.tag is None else f"tag {tag_name(scope.tag[0])} {pool_word(paged=scope.tag[1])}",
        "driver": f"driver {safe(scope.driver or '')}",
        "process": f"process {_process(scope.process, snapshot.names)}",
        "thread": "" if scope.thread is None else f"thread {thread_label(scope.thread)}",
        "port": f"port {scope.port}",
        "keeper": f"kept by {safe(scope.keeper or '')}",
        "endpoint": f"socket 0x{scope.endpoint or 0:x}",
        "processes": f"process {safe(' or '.join(word.removeprefix(WHOLE) for word in scope.processes))}",
        "stack": f"stack {_stack(scope.stack, snapshot.names)}",
        "stacks": f"call site {_stack(next(iter(scope.stacks), None), snapshot.names)}",
        "frame": f"frame 0x{scope.frame or 0:x}",
        "interval": _interval(scope),
    }
    return [words for field, words in said.items() if getattr(scope, field) not in (None, ())]


def interval_words(pool: PoolSnapshot, scope: Query) -> str:
    """What the numbers mean inside an interval; empty without one."""
    if scope.interval is None:
        return ""
    said = _SAYS[scope.interval.lifetime]
    if scope.interval.lifetime not in FREED:
        return said
    step = duration(pool.history.step_ns)
    return f"{said} Single rows are not kept of what was freed; histories count it in steps of {step}, all processes."


def _process(process: ProcessLife | None, names: Names) -> str:
    return "" if process is None else life_label(names, process)


def _stack(stack: int | None, names: Names) -> str:
    if stack is None:
        return ""
    return NO_STACK_TEXT if stack < 0 else safe(caller(names.frames(stack)))


def _interval(scope: Query) -> str:
    if scope.interval is None:
        return ""
    return f"{moment(scope.interval.from_ns)} to {moment(scope.interval.to_ns)} ({scope.interval.lifetime.value})"
