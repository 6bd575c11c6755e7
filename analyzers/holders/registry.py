"""Every holder. A new one is a line in ``Why``, and a file here of that name (with underscores) with a ``HOLDER``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from analyzers.findings import NOT_HELD, Why
from analyzers.holders.holder import Holder


def _of(why: Why) -> Holder:
    holder: Holder = import_module(f"analyzers.holders.{why.replace('-', '_')}").HOLDER
    return holder


HOLDERS: Final[Mapping[Why, Holder]] = {why: _of(why) for why in Why if why not in NOT_HELD}
"""In the order in which they are asked within a turn."""
