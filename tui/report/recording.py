"""What to do about a trace without pool events."""

from __future__ import annotations

from typing import Final

NO_POOL_EVENTS: Final = "This trace holds no pool events, so nothing can be said about pool memory."

NO_POOL_EVENTS_YET: Final = "No pool event so far."
"""Of a trace that is followed."""

HOW_TO_RECORD: Final = (
    "To record a trace that does, on the machine that leaks, in an elevated prompt:",
    "",
    "  poolscope record pool.etl",
    "  (wait while memory leaks, then Ctrl-C)",
    "",
    "Without Poolscope on that machine, with wpr and a profile that 'poolscope profile > pool.wprp' writes:",
    "",
    "  wpr -start pool.wprp -filemode",
    "  (wait while memory leaks)",
    "  wpr -stop pool.etl",
    "",
    "or with xperf:",
    "",
    "  xperf -on PROC_THREAD+LOADER+CSWITCH+DISPATCHER+DRIVERS+POOL"
    " -stackwalk PoolAlloc+PoolFree+PoolAllocSession+PoolFreeSession",
    "  xperf -start sockets -on Microsoft-Windows-Winsock-AFD:0xffffffffffffffff:5 -f sockets.etl",
    "  (wait while memory leaks)",
    "  xperf -stop -stop sockets -d pool.etl",
)
"""Names of xperf's kernel flags and of wpr's options: Microsoft's pages on both tools."""
