"""Measures several things in turn, so that what else the machine does meets all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

R = TypeVar("R")


def in_turn(measures: Sequence[Callable[[], R]], runs: int) -> list[list[R]]:
    """What each gives, so many times; the order changes from round to round."""
    found: list[list[R]] = [[] for _ in measures]
    for run in range(runs):
        places = range(len(measures))
        for place in places if run % 2 else reversed(places):
            found[place].append(measures[place]())
    return found
