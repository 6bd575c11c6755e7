"""The questions of :mod:`tracer.live.machine`, asked of Windows. Imported there only."""

from __future__ import annotations

import os
import struct
import sys
from typing import Final

_MEMORY_MANAGEMENT: Final = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management"


class WindowsAsking:
    """This Windows."""

    def elevated(self) -> bool | None:
        """``IsUserAnAdmin``."""
        if sys.platform != "win32":
            return None
        import ctypes

        return bool(ctypes.windll.shell32.IsUserAnAdmin())

    def paging_executive_disabled(self) -> bool | None:
        """The value DisablePagingExecutive; a machine without it pages."""
        if sys.platform != "win32":
            return None
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _MEMORY_MANAGEMENT) as key:
                value, _ = winreg.QueryValueEx(key, "DisablePagingExecutive")
        except FileNotFoundError:
            return False
        except OSError:
            return None
        return value == 1

    def machine_bits(self) -> int:
        """A 32-bit process on a 64-bit Windows is told the machine's own architecture in a variable."""
        return 64 if os.environ.get("PROCESSOR_ARCHITEW6432") else struct.calcsize("P") * 8
