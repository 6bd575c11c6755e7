"""What a kind of scripted trace is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.accuracy.scripted.guilt import Guilt
from benchmarks.accuracy.scripted.stage import Stage

Play = Callable[[Stage], tuple[Guilt, ...]]


@dataclass(frozen=True, slots=True)
class TraceKind:
    """``play`` lays the events down and gives what leaks: nothing where the kind is clean.

    ``unended``: what it keeps for a while may not be over when the trace ends, which looks like a leak until then.
    ``files``: over which the session was rolled, where it can be: a circular file goes on in itself.
    """

    name: str
    play: Play
    leaking: bool
    files: int = 1
    unended: bool = False
