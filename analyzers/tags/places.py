"""Where a pooltag.txt may lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from platformdirs import user_config_path

from tracer.programs import program

FILE_NAME: Final = "pooltag.txt"
_ARCHITECTURES: Final = ("x64", "x86", "arm64")
_PROGRAM_FILES: Final = ("ProgramFiles(x86)", "ProgramFiles")


def users_own() -> Path:
    """The user's own list, in the configuration directory of the system in use."""
    return user_config_path("poolscope", appauthor=False) / FILE_NAME


def microsofts() -> Iterator[Path]:
    """Where Microsoft's tools put the file, most likely first; none of these need exist.

    Debugging Tools for Windows keep it in the debugger's ``triage`` folder, the Windows Driver Kit
    beside poolmon under ``Tools/Other``, newer kits with their version in between.
    """
    for variable in _PROGRAM_FILES:
        root = os.environ.get(variable)
        if root:
            yield from _in_kits(Path(root) / "Windows Kits" / "10")
    if poolmon := program("poolmon"):
        yield Path(poolmon).with_name(FILE_NAME)


def _in_kits(kits: Path) -> Iterator[Path]:
    for architecture in _ARCHITECTURES:
        yield kits / "Debuggers" / architecture / "triage" / FILE_NAME
    tools = kits / "Tools"
    for architecture in _ARCHITECTURES:
        yield tools / "Other" / architecture / FILE_NAME
        yield from sorted(tools.glob(f"10.*/Other/{architecture}/{FILE_NAME}"), reverse=True)
        yield from sorted(tools.glob(f"10.*/{architecture}/{FILE_NAME}"), reverse=True)
    yield tools / "Other" / FILE_NAME
