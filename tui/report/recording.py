"""What to do about a trace without pool events."""

from __future__ import annotations

from typing import Final

NO_POOL_EVENTS: Final = "This trace holds no pool events, so nothing can be said about pool memory."

HOW_TO_RECORD: Final = (
    "To record a trace that does, on the machine that leaks, in an elevated prompt:",
    "",
    "  xperf -on PROC_THREAD+LOADER+CSWITCH+POOL -stackwalk PoolAlloc+PoolFree+PoolAllocSession+PoolFreeSession",
    "  (wait while memory leaks)",
    "  xperf -d pool.etl",
    "",
    "or with wpr and a profile that has the system keywords ProcessThread, Loader, CSwitch and Pool",
    "and the stacks PoolAllocation and PoolFree:",
    "",
    "  wpr -start profile.wprp -filemode",
    "  (wait while memory leaks)",
    "  wpr -stop pool.etl",
)
"""Names of xperf's kernel flags and of WPR's keywords: Microsoft's pages on both tools."""
