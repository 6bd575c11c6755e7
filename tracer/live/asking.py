"""The questions of :mod:`tracer.live.machine`, asked of Windows. Imported there only."""

from __future__ import annotations

import os
import struct
import sys
from typing import Final

_CONTROL: Final = r"SYSTEM\CurrentControlSet\Control"
_MEMORY_MANAGEMENT: Final = rf"{_CONTROL}\Session Manager\Memory Management"


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
        found, value = _registry(_MEMORY_MANAGEMENT, "DisablePagingExecutive")
        return value == 1 if found else None

    def in_container(self) -> bool | None:
        """Whether there is a value ContainerType, as containers' images have it (.NET asks the same)."""
        found, value = _registry(_CONTROL, "ContainerType")
        return value is not None if found else None

    def machine_bits(self) -> int:
        """A 32-bit process on a 64-bit Windows is told the machine's own architecture in a variable."""
        return 64 if os.environ.get("PROCESSOR_ARCHITEW6432") else struct.calcsize("P") * 8


def _registry(path: str, name: str) -> tuple[bool, object]:
    """Whether the machine's registry can be read there, and the value; ``None`` where there is none."""
    if sys.platform != "win32":
        return False, None
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
            return True, winreg.QueryValueEx(key, name)[0]
    except FileNotFoundError:
        return True, None
    except OSError:
        return False, None
