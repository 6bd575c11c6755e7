"""When nothing ran for ten seconds the machine slept or was stopped; less is what an idle one may do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.snapshot import Snapshot
from analyzers.standstills import Standstills
from tests.analyzers.thread_events import IDLE, Life, Switch, batch
from tests.tui.stories import winsock_story
from tracer.trace import Standstill
from tui.report.trace import incomplete_lines

SECOND = 1_000_000_000


def found(*batches: list[float]) -> list[tuple[float, float]]:
    looking = Standstills()
    for times in batches:
        looking.feed(batch([Switch(round(time * SECOND), 0, 8, IDLE) for time in times]))
    return [(each.from_ns / SECOND, each.to_ns / SECOND) for each in looking.found]


@pytest.mark.parametrize(
    ("times", "still"),
    [
        ([[1, 2, 12, 13]], [(2, 12)]),
        ([[1, 2, 11.9, 13]], []),
        ([[1, 2], [3, 3_603], [3_700]], [(3, 3_603), (3_603, 3_700)]),
        ([[30, 31]], []),
        ([[1], [], [20]], [(1, 20)]),
    ],
)
def test_ten_seconds_without_a_context_switch_are_told(
    times: list[list[float]], still: list[tuple[float, float]]
) -> None:
    assert found(*times) == still


def test_where_no_context_switches_are_recorded_nothing_is_known() -> None:
    looking = Standstills()
    looking.feed(batch([Life(SECOND, 1, 8), Life(3_600 * SECOND, 2, 8)]))
    assert looking.found == ()


def test_the_report_says_for_how_long_and_from_when() -> None:
    snapshot: Snapshot = winsock_story().make()
    slept = replace(snapshot, info=replace(snapshot.info, standstills=(Standstill(2 * SECOND, 10_802 * SECOND),)))
    [line] = set(map(str, incomplete_lines(slept))) - set(map(str, incomplete_lines(snapshot)))
    assert "nothing ran for 3 h 00 min, from +2.000000 s to +10802.000000 s: the machine slept or was stopped" in line
