"""What a worker of a Dask cluster runs for ``poolscope fleet``: it imports this package, and finds the rooms by it."""

from __future__ import annotations

import sys
from typing import Any

from poolscope import open_rooms


def analyse(job: dict[str, Any]) -> dict[str, Any]:
    """One trace (:func:`tui.fleet.isolated.analyse`)."""
    if "tui.fleet" not in sys.modules:
        open_rooms()
    from tui.fleet.isolated import analyse as run

    return run(job)


def version() -> str:
    """Of the Poolscope that is installed there."""
    if "tui.fleet" not in sys.modules:
        open_rooms()
    from tui.cli import version as installed

    return installed()
