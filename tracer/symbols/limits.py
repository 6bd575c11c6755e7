"""How much memory this process may take: what a made-up file cannot make it pass.

Linux bounds the addresses of the process, Windows what it has committed (a job with one process in it, page
"JOBOBJECT_EXTENDED_LIMIT_INFORMATION"; Wine takes the limit but does not hold to it, so it has not been seen to work).
macOS does neither, so a thread looks how much there has been, and ends the process; that has not been tried there.
"""

from __future__ import annotations

import ctypes as ct
import os
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar, Final

_MEMORY_OF_A_PROCESS: Final = 0x100
"""JOB_OBJECT_LIMIT_PROCESS_MEMORY."""
_EXTENDED_LIMITS: Final = 9
"""JobObjectExtendedLimitInformation."""
_PYTHON_ITSELF: Final = 64 << 20
_SECONDS_BETWEEN_LOOKS: Final = 0.05


class JobLimits(ct.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_: ClassVar = [
        ("process_time", ct.c_int64), ("job_time", ct.c_int64), ("flags", ct.c_uint32), ("least_set", ct.c_size_t),
        ("most_set", ct.c_size_t), ("processes", ct.c_uint32), ("affinity", ct.c_size_t), ("priority", ct.c_uint32),
        ("scheduling", ct.c_uint32), ("io_counters", ct.c_uint64 * 6), ("process_memory", ct.c_size_t),
        ("job_memory", ct.c_size_t), ("peak_process", ct.c_size_t), ("peak_job", ct.c_size_t),
    ]  # fmt: skip


def limit_memory(more: int) -> None:
    """Allow this process so many bytes more than it has now, where the system can be told to."""
    if sys.platform == "win32":
        _limit_job(more + _PYTHON_ITSELF)
    elif sys.platform == "linux":
        _limit_addresses(more)
    else:
        threading.Thread(target=_watch, args=(_most_resident() + more,), daemon=True).start()


def _limit_addresses(more: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + more
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _limit_job(most: int) -> None:
    from tracer.live.libraries import library

    kernel32 = library("kernel32")
    kernel32.CreateJobObjectW.restype = ct.c_void_p
    kernel32.GetCurrentProcess.restype = ct.c_void_p
    kernel32.SetInformationJobObject.argtypes = (ct.c_void_p, ct.c_int, ct.c_void_p, ct.c_uint32)
    kernel32.AssignProcessToJobObject.argtypes = (ct.c_void_p, ct.c_void_p)
    limits = JobLimits(flags=_MEMORY_OF_A_PROCESS, process_memory=most)
    job = kernel32.CreateJobObjectW(None, None)
    kernel32.SetInformationJobObject(job, _EXTENDED_LIMITS, ct.byref(limits), ct.sizeof(limits))
    kernel32.AssignProcessToJobObject(job, kernel32.GetCurrentProcess())


def _most_resident() -> int:
    """Bytes that were in memory at most so far; macOS counts them in bytes (its page of getrusage)."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _watch(most: int) -> None:
    while _most_resident() < most:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os.abort()
