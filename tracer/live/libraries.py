"""Windows' libraries, loaded so that a thread's last error is kept from the call that set it until it is read.

A call through ``ctypes.windll`` leaves the error where Python, which takes its lock back after the call, may write over
it (CPython #77211, #116012). With ``use_last_error`` ctypes puts it aside at once.
"""

from __future__ import annotations

import ctypes as ct
import sys
from typing import Any


def library(name: str) -> Any:  # noqa: ANN401 - a library of ctypes
    """A library of Windows', ours alone: what argument types it is given concerns nobody else."""
    if sys.platform != "win32":
        raise OSError(f"{name} is a library of Windows")
    return ct.WinDLL(name, use_last_error=True)


def last_error() -> int:
    """Windows' error code of this thread's last call that went through a :func:`library`."""
    if sys.platform != "win32":
        return 0
    return ct.get_last_error()
