"""What to do about a trace without pool events."""

from __future__ import annotations

from typing import Final

NO_POOL_EVENTS: Final = "This trace holds no pool events, so nothing can be said about pool memory."

NO_POOL_EVENTS_YET: Final = "No pool event so far."
"""Of a trace that is followed."""

HOW_TO_RECORD: Final = (
    "To record a trace that does, on the machine that leaks, in an elevated prompt:",
    "",
    "  xperf -on PROC_THREAD+LOADER+CSWITCH+DISPATCHER+DRIVERS+POOL"
    " -stackwalk PoolAlloc+PoolFree+PoolAllocSession+PoolFreeSession",
    "  xperf -start sockets -on Microsoft-Windows-Winsock-AFD:0xffffffffffffffff:5 -f sockets.etl",
    "  (wait while memory leaks)",
    "  xperf -stop -stop sockets -d pool.etl",
    "",
    "or with wpr and a profile that has the system keywords ProcessThread, Loader, CSwitch, ReadyThread,",
    "Drivers and Pool, and the stacks PoolAllocation and PoolFree:",
    "",
    "  wpr -start profile.wprp -filemode",
    "  (wait while memory leaks)",
    "  wpr -stop pool.etl",
)
"""Names of xperf's kernel flags and of WPR's keywords: Microsoft's pages on both tools."""
