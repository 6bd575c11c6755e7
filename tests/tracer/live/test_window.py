"""The reorder window lets an event go when something at least as late has been there long enough."""

from __future__ import annotations

from tests.tracer.live.clock import Clock
from tracer.live.window import NOTHING, ReorderWindow


def test_nothing_goes_before_the_window_has_passed() -> None:
    clock = Clock()
    window = ReorderWindow(clock, 1.5)
    assert window.horizon() == NOTHING
    window.saw(100)
    clock.now = 1.4
    assert window.horizon() == NOTHING
    clock.now = 1.6
    assert window.horizon() == 101


def test_what_came_between_two_marks_goes_with_the_later_one() -> None:
    clock = Clock()
    window = ReorderWindow(clock, 1.0)
    window.saw(100)
    clock.now = 0.01
    window.saw(200)
    clock.now = 1.0
    assert window.horizon() == 101
    clock.now = 2.1
    assert window.horizon() == 201


def test_an_older_time_moves_nothing_back() -> None:
    clock = Clock()
    window = ReorderWindow(clock, 1.0)
    window.saw(100)
    clock.now = 1.0
    assert window.horizon() == 101
    window.saw(50)
    clock.now = 9.0
    assert window.horizon() == 101
    assert window.newest == 100


def test_giving_up_lets_everything_go_at_once() -> None:
    clock = Clock()
    window = ReorderWindow(clock, 1.0)
    window.saw(100)
    assert window.give_up() == 101
    assert window.horizon() == 101


def test_marks_do_not_pile_up() -> None:
    clock = Clock()
    window = ReorderWindow(clock, 1.0)
    for step in range(10_000):
        clock.now = step / 1000
        window.saw(step)
        window.horizon()
    assert len(window._marks) <= 21
