from __future__ import annotations

import asyncio
from typing import Final

import pytest

from benchmarks.interface.soak import BLOCKS_BUDGET, KEPT_SNAPSHOTS, watch
from tui.live.follower import REFRESH_SECONDS

_WATCHED_SECONDS: Final = 2 * 60
_STEPS: Final = int(_WATCHED_SECONDS / REFRESH_SECONDS)
"""As many snapshots as the interface is shown in two minutes, one after the other without waiting."""
_OUTSTANDING: Final = 300


@pytest.mark.repeats
@pytest.mark.slow
def test_two_minutes_of_snapshots_through_all_views_leave_nothing_behind() -> None:
    course = asyncio.run(watch(lambda done: done < _STEPS, _OUTSTANDING, (80, 24)))

    assert course.steps == _STEPS
    assert course.most_snapshots <= KEPT_SNAPSHOTS
    assert course.growth(lambda sample: sample.blocks) <= BLOCKS_BUDGET * course.samples[0].blocks
