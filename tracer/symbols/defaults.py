"""What holds where nobody says otherwise: the symbol path of the environment, the user's own store and cache."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

_VARIABLES: Final = ("_NT_ALT_SYMBOL_PATH", "_NT_SYMBOL_PATH")
"""In the order in which debuggers join them (page "Symbol path for Windows debuggers" of learn.microsoft.com)."""


def path_from_environment(environment: Mapping[str, str]) -> str:
    """The symbol path that debuggers would take; empty where there is none."""
    return ";".join(part for name in _VARIABLES if (part := environment.get(name, "").strip()))


def default_store() -> Path:
    """The user's own symbol store."""
    return user_cache_path("poolscope", appauthor=False) / "symbols"


def default_cache() -> Path:
    """Where what was read of PDB files is kept."""
    return user_cache_path("poolscope", appauthor=False) / "symcaches"
