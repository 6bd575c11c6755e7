"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tracer.processors import processors

PACKAGES = ("numpy", "numba", "dissect.etl", "etl-parser")


def facts() -> dict[str, str]:
    """Name → what this machine and its packages are."""
    return {
        "CPU": _cpu(),
        "cores": f"{processors()} usable of {os.cpu_count()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def pin(cores: int) -> bool:
    """Keep this process on that many cores; false where the system offers no way or has not as many."""
    if sys.platform != "linux" or processors() < cores:
        return False
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    return True


def peak_memory() -> int:
    """Most memory, in bytes, that this process has had resident."""
    if sys.platform == "linux":
        # not ru_maxrss: a child inherits there what its parent had before exec
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    if sys.platform == "win32":
        import psutil  # part of the bench extra, on Windows only

        return int(psutil.Process().memory_info().peak_wset)
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
