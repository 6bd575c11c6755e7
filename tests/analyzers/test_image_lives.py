"""Which image lay at an address when: loads, unloads, rundowns, in whatever order they come."""

from __future__ import annotations

import pytest

from analyzers.image_lives import ALWAYS, NEVER, ImageLives, Module, Unload, module_of
from tracer.events.image import LOAD, RUNDOWN_END, RUNDOWN_START, UNLOAD

BASE, SIZE = 0xFFFFF80340000000, 0x10000


def _image(name: str, base: int = BASE) -> Module:
    return module_of(base, SIZE, name, name, 0)


def _lives(*events: tuple[int, int, str]) -> ImageLives:
    """Of events (time, hook, name) at one base."""
    lives = ImageLives(0)
    for at, hook, name in events:
        lives.feed(hook, _image(name), Unload(at, at * 10, 0, at))
    return lives


def _names(lives: ImageLives, *times: int) -> list[str]:
    found = [lives.at(time).find(BASE + 8) for time in times]
    return ["" if module is None else module.name for module in found]


def test_each_image_is_there_from_its_load_to_the_load_of_the_next() -> None:
    lives = _lives((10, LOAD, "a.sys"), (20, UNLOAD, "a.sys"), (30, LOAD, "b.sys"))
    assert _names(lives, ALWAYS, 10, 25, 29, 30, NEVER) == ["a.sys", "a.sys", "a.sys", "a.sys", "b.sys", "b.sys"]


def test_an_image_that_was_there_before_the_trace_is_the_first_one() -> None:
    lives = _lives((1, RUNDOWN_START, "a.sys"), (20, UNLOAD, "a.sys"), (30, LOAD, "b.sys"))
    assert _names(lives, 0, 29, 30) == ["a.sys", "a.sys", "b.sys"]


def test_a_load_whose_event_comes_before_the_unload_of_the_image_before_counts() -> None:
    lives = _lives((10, LOAD, "a.sys"), (30, LOAD, "b.sys"), (31, UNLOAD, "a.sys"))
    assert _names(lives, 15, 30, NEVER) == ["a.sys", "b.sys", "b.sys"]
    assert [(module.name, module.unloads[0].at_ns) for module in lives.unloaded] == [("a.sys", 31)]


def test_an_image_of_the_last_rundown_came_when_the_one_before_was_unloaded() -> None:
    lives = _lives((1, RUNDOWN_START, "a.sys"), (20, UNLOAD, "a.sys"), (90, RUNDOWN_END, "b.sys"))
    assert _names(lives, 19, 20, NEVER) == ["a.sys", "b.sys", "b.sys"]


def test_an_image_whose_unload_alone_is_seen_was_there_before_the_one_that_came() -> None:
    lives = _lives((20, LOAD, "b.sys"), (21, UNLOAD, "a.sys"))
    assert _names(lives, 5, 25) == ["a.sys", "b.sys"]


def test_the_same_image_at_the_same_base_again_is_no_other_image() -> None:
    lives = ImageLives(0)
    assert lives.feed(LOAD, _image("a.sys"), Unload(10, 100, 0, 0)) == []
    [change] = lives.feed(UNLOAD, _image("A.SYS"), Unload(20, 200, 0, 0))
    assert lives.feed(LOAD, _image("a.sys"), Unload(30, 300, 0, 0)) == []
    assert (change.since_raw, change.until_raw) == (200, 300)
    assert _names(lives, 15, NEVER) == ["a.sys", "a.sys"]


def test_every_unload_of_an_image_is_kept() -> None:
    lives = _lives((10, LOAD, "a.sys"), (20, UNLOAD, "a.sys"), (30, LOAD, "a.sys"), (40, UNLOAD, "a.sys"))
    [module] = lives.unloaded
    assert [unload.at_ns for unload in module.unloads] == [20, 40]


def test_a_rundown_at_the_start_that_lags_behind_an_unload_brings_nothing_back() -> None:
    lives = _lives((5, UNLOAD, "a.sys"), (6, RUNDOWN_START, "a.sys"), (7, LOAD, "b.sys"))
    assert _names(lives, 0, 7) == ["a.sys", "b.sys"]


@pytest.mark.parametrize("hook", [RUNDOWN_START, RUNDOWN_END])
def test_a_rundown_is_no_unload(hook: int) -> None:
    assert _lives((1, LOAD, "a.sys"), (9, hook, "a.sys")).unloaded == []


def test_images_that_share_addresses_are_marked_and_others_are_not() -> None:
    lives = _lives((10, LOAD, "a.sys"), (20, UNLOAD, "a.sys"), (30, LOAD, "b.sys"))
    lives.feed(LOAD, _image("c.sys", BASE + 0x100000), Unload(40, 400, 0, 0))
    found = [lives.at(time).find(address) for time, address in ((15, BASE), (35, BASE), (45, BASE + 0x100000))]
    marks = [module.mark for module in found if module is not None]
    assert len(set(marks)) == 3
    assert marks[2] == 0
    assert [lives.by_mark(mark) for mark in marks[:2]] == found[:2]
