"""What a target is: a function that takes any bytes, and raises where something of ours is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final

Mutate = Callable[[random.Random, Sequence[bytes]], bytes]
"""Another input, of those that there are."""


class DefectError(AssertionError):
    """What came out cannot be right; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """``check``: returns, or raises on a defect, whatever it is given. ``seeds``: inputs that the code makes.

    ``mutate``: makes others of them. ``a_second``: about how many a core takes in a second. ``needs``: a package beyond
    the extra ``test``, without which it does not run.
    """

    check: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    mutate: Mutate
    a_second: int
    needs: str = ""


NAMES: Final = (
    "alerts", "answers", "budgets", "cabinets", "container", "decompressor", "dissect", "events", "filters", "guard",
    "images", "journal", "maps", "messages", "schemas", "symbol_paths", "tags", "times", "traces", "unjitted",
    "windows",
)  # fmt: skip
"""Each is a module of :mod:`tests.fuzzing.targets` with a ``TARGET``."""


def load(name: str) -> Target:
    """Import it, with what it tests."""
    target: Target = import_module(f"tests.fuzzing.targets.{name}").TARGET
    return target


def insist(holds: object, why: str) -> None:
    """Raise :class:`DefectError` unless it holds."""
    if not holds:
        raise DefectError(why)
