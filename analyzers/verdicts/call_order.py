"""Cause before consequence: what a driver allocated because another accused one called it comes after that one's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from analyzers.findings import Finding
from analyzers.modules import FrameTable
from analyzers.policy import TOGETHER
from tracer.arrays import I32, Numbers

_NONE: Final = np.iinfo(np.int64).max


def modules_below(findings: Sequence[Finding], frames_of: Callable[[I32], FrameTable]) -> list[frozenset[str]]:
    """By finding: the kernel's modules in its allocating stack, empty for none, but for its own driver."""
    frames = frames_of(np.array([each.stack for each in findings], np.int32))
    modules = [*(each.name for each in frames.modules), ""]
    rows, ends = frames.module.tolist(), frames.bounds.tolist()
    return [
        frozenset(modules[at] for at in set(rows[ends[number] : ends[number + 1]])) - {each.driver}
        for number, each in enumerate(findings)
    ]


def causes_first(findings: Sequence[Finding], callers: Sequence[frozenset[str]]) -> list[Finding]:
    """The findings in their order, but each after the one whose driver stands below its own in the allocating stack.

    ``callers``: by finding, the modules in its stack but for its own driver. A transport's endpoint is allocated when
    Winsock's driver calls the transport, and freed when that calls again: as many are kept as of the caller's own
    blocks, by the same thread, and the caller is who keeps them. The kernel's own image stands at the bottom of every
    stack and is no such caller.
    """
    kept: dict[tuple[str, int | None, int | None], list[int]] = {}
    for number, each in enumerate(findings):
        kept.setdefault((each.driver, each.process_id, each.thread_id), []).append(number)
    numbers = {key: np.array(those) for key, those in kept.items()}
    count = np.array([each.count for each in findings])
    order = np.arange(len(findings))
    place = order.copy()
    for number, each in enumerate(findings):
        keys = ((driver, each.process_id, each.thread_id) for driver in callers[number])
        others = [numbers[key] for key in keys if key in numbers]
        at, to = int(place[number]), _first(np.concatenate(others), each.count, count, place) if others else _NONE
        if at < to < _NONE:
            order[at : to + 1] = np.roll(order[at : to + 1], -1)
            place[order[at : to + 1]] = np.arange(at, to + 1)
    return [findings[number] for number in order.tolist()]


def _first(others: Numbers, mine: int, count: Numbers, place: Numbers) -> int:
    """Least place of those that keep about as many; :data:`_NONE` where none does."""
    counts = count[others]
    alike = np.abs(counts - mine) <= TOGETHER.alike * np.maximum(counts, mine)
    return int(place[others][alike].min(initial=_NONE))
