"""How to record a trace that tells more: one recipe, that of ``poolscope profile``."""

from __future__ import annotations

from typing import Final

from tracer.live.profile import Recording, wpr_lines, xperf_lines

NO_POOL_EVENTS: Final = "This trace holds no pool events, so nothing can be said about pool memory."

NO_POOL_EVENTS_YET: Final = "No pool event so far."
"""Of a trace that is followed."""

ALL_EVIDENCE: Final = "To record all of the evidence"
"""Above the recipe, where a trace lacks some of it."""

_WAIT: Final = "  (wait while memory leaks)"


def _indented(lines: tuple[str, ...]) -> list[str]:
    """Starting lines, a pause, and the line that stops."""
    return [*(f"  {line}" for line in lines[:-1]), _WAIT, f"  {lines[-1]}"]


_WITH_POOLSCOPE: Final = (
    "To record a trace that does, on the machine that leaks, in an elevated prompt:",
    "",
    "  poolscope record pool.etl",
    "  (wait while memory leaks, then Ctrl-C)",
    "",
)
HOW_IN_SHORT: Final = "\n".join((*_WITH_POOLSCOPE, "View 0 has the commands for wpr and xperf."))
"""For a view that has no room for more."""

HOW_TO_RECORD: Final = (
    *_WITH_POOLSCOPE,
    "Without Poolscope on that machine, with wpr and a profile that 'poolscope profile > pool.wprp' writes:",
    "",
    *_indented(wpr_lines()),
    "",
    "or with xperf:",
    "",
    *_indented(xperf_lines(Recording())),
)
