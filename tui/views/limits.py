"""What a scope limits a view to, in words: one for each limit."""

from __future__ import annotations

from analyzers.pool_tables import Names
from analyzers.quantities import moment
from analyzers.snapshot import Snapshot
from tui.findings.words import tag_name
from tui.safe_text import safe
from tui.tables.sites import NO_STACK_TEXT, caller
from tui.tables.words import named_process, pool_word, thread_label
from tui.views.scope import Scope


def limit_words(scope: Scope, snapshot: Snapshot) -> list[str]:
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
        "stack": f"stack {_stack(scope.stack, snapshot.names)}",
        "frame": f"frame 0x{scope.frame or 0:x}",
        "interval": _interval(scope),
    }
    return [words for field, words in said.items() if getattr(scope, field) is not None]


def _process(process: int | None, names: Names) -> str:
    return "" if process is None else named_process(names.process(process), process)


def _stack(stack: int | None, names: Names) -> str:
    if stack is None:
        return ""
    return NO_STACK_TEXT if stack < 0 else safe(caller(names.frames(stack)))


def _interval(scope: Scope) -> str:
    if scope.interval is None:
        return ""
    return f"{moment(scope.interval.from_ns)} to {moment(scope.interval.to_ns)} ({scope.interval.lifetime.value})"
