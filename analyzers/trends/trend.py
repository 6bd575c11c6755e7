"""Whether groups' outstanding memory grows, up to the end of the trace (``docs/trends.md``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from analyzers.trends.bursts import last_third, without_bursts
from analyzers.trends.history import GroupHistories, GroupHistory
from analyzers.trends.level import has_levelled_off, is_sawtooth
from analyzers.trends.onset import NO_ONSET, onsets
from analyzers.trends.pace import pace
from analyzers.trends.settled import settled_steps
from tracer.data_classes import dataclass

_AT_ONCE: Final = 512
"""Groups judged at once: growth may begin at each of a group's 64 steps, which takes half a kilobyte each."""


@dataclass(frozen=True, slots=True)
class Growth:
    """``rising``: steadily, up to the end of the trace, and not taken back by frees.

    ``levelled_off``: it rose and stopped. ``sawtooth``: it is trimmed and rises again. ``from_ns``: where the growth
    begins. ``settled_ns``: what was allocated before then and is outstanding will stay. ``bytes_per_hour`` (Theil–Sen)
    from the beginning on, with its 95 % ``interval``. ``p``: Mann–Kendall's, two-sided, of the floor by windows.
    ``windows_risen``: share of the windows in which it rose. ``last_third``: share of the growth in the last third of
    its time, bursts cut down.
    """

    rising: bool
    levelled_off: bool
    sawtooth: bool
    from_ns: int
    settled_ns: int
    bytes_per_hour: float
    interval: tuple[float, float]
    p: float
    windows_risen: float
    last_third: float


def growths(histories: Sequence[GroupHistory]) -> list[Growth]:
    """Judge the histories of groups, which are over the same steps (``ValueError`` where they are not)."""
    parts = (histories[first : first + _AT_ONCE] for first in range(0, len(histories), _AT_ONCE))
    return [growth for part in parts for growth in _growths(GroupHistories.of(part))]


def _growths(histories: GroupHistories) -> Iterator[Growth]:
    survivors, settled = histories.survivors, settled_steps(histories)
    onset = onsets(survivors, settled)
    rising = onset != NO_ONSET
    sawtooth = ~rising & is_sawtooth(histories)
    start = np.where(rising, onset, (survivors != 0).argmax(axis=1))
    end = np.where(settled > start, settled, survivors.shape[1])
    steps = np.arange(survivors.shape[1])
    inside = (steps >= start[:, np.newaxis]) & (steps < end[:, np.newaxis])
    grown = np.where(inside, survivors, 0)
    speed = pace(histories, np.count_nonzero(grown, axis=1), start, end)
    columns = (
        rising,
        ~rising & ~sawtooth & has_levelled_off(histories),
        sawtooth,
        histories.start_ns + start * histories.step_ns,
        histories.start_ns + settled * histories.step_ns,
        speed.bytes_per_hour,
        np.stack([speed.low, speed.high], axis=1),
        speed.p,
        speed.windows_risen,
        last_third(without_bursts(grown), start, end),
    )
    for row in zip(*(column.tolist() for column in columns), strict=True):
        rises, levelled, trimmed, since, until, rate, interval, *shares = row
        yield Growth(rises, levelled, trimmed, since, until, rate, tuple(interval), *shares)
