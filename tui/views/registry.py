"""The views, in the order of their numbers. A new one is a module with ``make`` and one line in ``names``.

The module has the key's name, with underscores.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Final

from tui.views.names import VIEW_NAMES
from tui.views.view import ViewSpec


def _module(key: str) -> ModuleType:
    return import_module(f"tui.views.{key.replace('-', '_')}")


VIEWS: Final = tuple(
    ViewSpec(name.key, name.number, name.title, name.summary, _module(name.key).make) for name in VIEW_NAMES
)
