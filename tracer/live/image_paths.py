r"""Where the kernel's names of image files can be opened: ``\Device\HarddiskVolume3\…`` is ``C:\…`` here.

Microsoft's pages "QueryDosDeviceW" (a drive's device) and "Naming Files, Paths, and Namespaces" (``\??\``).
"""

from __future__ import annotations

import ctypes as ct
import ntpath
import os
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tracer.data_classes import dataclass
from tracer.live import libraries

_SYSTEM_ROOT: Final = "\\systemroot\\"
_DEVICE: Final = "\\device\\"
_PREFIXES: Final = ("\\??\\", "\\\\?\\")
_MOST_CHARACTERS: Final = 1024


@dataclass(frozen=True, slots=True)
class ImagePaths:
    r"""``drives``: drive (``C:``) by device, in lower case. ``system_root``: ``C:\Windows``, empty where unknown."""

    drives: Mapping[str, str]
    system_root: str

    def local(self, path: str) -> Path | None:
        """The file's path here; ``None`` for one on a share, and on a volume without a letter."""
        for prefix in _PREFIXES:
            path = path.removeprefix(prefix)
        lower = path.lower()
        if lower.startswith(_DEVICE):
            device = next((name for name in self.drives if lower.startswith(f"{name}\\")), None)
            return None if device is None else _joined(self.drives[device], path[len(device) :])
        if path[1:2] == ":":
            return _joined(path[:2], path[2:])
        if not self.system_root or not path.startswith("\\") or path.startswith("\\\\"):
            return None
        if lower.startswith(_SYSTEM_ROOT):
            return _joined(self.system_root, path[len(_SYSTEM_ROOT) :])
        return _joined(ntpath.splitdrive(self.system_root)[0], path)  # on the system's volume


def _joined(root: str, path: str) -> Path:
    return Path(f"{root}/", *path.split("\\")[path.startswith("\\") :])


NO_IMAGE_PATHS: Final = ImagePaths({}, "")
"""Where there is no Windows."""


def windows_image_paths() -> ImagePaths:
    """Those of this Windows."""
    kernel = libraries.library("kernel32")
    kernel.QueryDosDeviceW.argtypes = [ct.c_wchar_p, ct.c_wchar_p, ct.c_uint32]
    drives: dict[str, str] = {}
    for letter in string.ascii_uppercase:
        name = ct.create_unicode_buffer(_MOST_CHARACTERS)
        if kernel.QueryDosDeviceW(f"{letter}:", name, _MOST_CHARACTERS):
            drives.setdefault(name.value.lower(), f"{letter}:")
    return ImagePaths(drives, os.environ.get("SYSTEMROOT", ""))
