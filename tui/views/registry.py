"""The views, in the order of their numbers. A new one is a module with ``make`` and one line in ``names``."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from tui.views.names import VIEW_NAMES
from tui.views.view import ViewSpec

VIEWS: Final = tuple(
    ViewSpec(name.key, name.number, name.title, name.summary, import_module(f"tui.views.{name.key}").make)
    for name in VIEW_NAMES
)
