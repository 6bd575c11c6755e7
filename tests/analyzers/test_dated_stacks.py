"""Stacks by their time: the same addresses are another stack once other images lie there."""

from __future__ import annotations

import numpy as np

from analyzers.dated_stacks import FIRST, DatedStacks
from analyzers.image_lives import ALWAYS
from analyzers.modules import Modules, taken_apart
from tests.analyzers.event_tables import event_table, stack_table, strings
from tracer.arrays import U32
from tracer.columns import Column, EventTable
from tracer.events.image import LOAD, UNLOAD
from tracer.trace import LateStacks

NT, DRIVER = 0xFFFFF80310000000, 0xFFFFF80340000000
STACKS = ([NT + 1, DRIVER + 8], [NT + 1, NT + 2], [0x7FF600001000])


def _modules(*events: tuple[int, int, int, int, str]) -> Modules:
    """Fed with (time, hook, base, process, name)."""
    found = Modules()
    for at, hook, base, process, name in events:
        fields: dict[str, Column] = {
            "base": np.array([base], np.uint64),
            "size": np.array([0x10000], np.uint64),
            "process": np.array([process], np.uint32),
            "file_name": strings([name], "utf-16-le"),
        }
        found.feed(event_table("image", hook, fields, time=[at]))
    return found


REPLACED = (
    (1, LOAD, NT, 0, "ntoskrnl.exe"),
    (10, LOAD, DRIVER, 0, "a.sys"),
    (20, UNLOAD, DRIVER, 0, "a.sys"),
    (30, LOAD, DRIVER, 0, "b.sys"),
)


def _pool(time: list[int], stack: list[int], user: list[int] | None = None, process: int = 8) -> EventTable:
    return event_table("pool", 0x0E20, {}, time=time, stack=stack, user_stack=user or [-1] * len(time), process=process)


def _named(dated: DatedStacks, modules: Modules, stack: int, process: int = 0) -> list[str]:
    [at] = dated.since(np.array([stack], np.int32)).tolist()
    found = [modules.find(address, process, at) for address in dated.frames(stack).tolist()]
    return [module.name if module else "" for module in found]


def test_stacks_through_a_replaced_image_get_another_id_from_then_on() -> None:
    modules = _modules(*REPLACED)
    dated = DatedStacks(stack_table(STACKS), modules)
    stack = dated.dated(_pool([15, 35, 36, 37], [0, 0, 1, 0])).stack.tolist()
    assert (stack[0], stack[2]) == (0, 1)
    assert stack[1] == stack[3] >= FIRST
    assert [_named(dated, modules, each)[1] for each in stack[:2]] == ["a.sys", "b.sys"]


def test_where_no_image_is_replaced_the_table_stays_as_it_is() -> None:
    table = _pool([15, 35], [0, 1])
    assert DatedStacks(stack_table(STACKS), _modules(*REPLACED[:2])).dated(table) is table


def test_later_batches_find_the_same_ids() -> None:
    dated = DatedStacks(stack_table(STACKS), _modules(*REPLACED))
    first, second = (dated.dated(_pool([at], [0])).stack.tolist() for at in (35, 45))
    assert first == second


def test_the_same_image_that_comes_back_leaves_the_ids_alone() -> None:
    modules = _modules(*REPLACED[:3], (30, LOAD, DRIVER, 0, "a.sys"))
    dated = DatedStacks(stack_table(STACKS), modules)
    assert dated.dated(_pool([15, 35], [0, 0])).stack.tolist() == [0, 0]


def test_a_stack_that_comes_late_is_dated_by_its_event() -> None:
    dated = DatedStacks(stack_table(STACKS), _modules(*REPLACED))
    ids: U32 = np.full(2, 8, np.uint32)
    late = LateStacks(
        np.array([15, 35]), ids, ids, np.zeros(2, np.uint16), np.zeros(2, np.int32), np.zeros(2, np.bool_)
    )  # fmt: skip
    before, after = dated.dated_late(late).stack.tolist()
    assert before == 0
    assert after >= FIRST


def test_a_process_id_that_is_used_again_has_the_images_of_its_time() -> None:
    modules = _modules((1, LOAD, 0x7FF600000000, 8, "first.exe"), (30, LOAD, 0x7FF600000000, 8, "second.exe"))
    dated = DatedStacks(stack_table(STACKS), modules)
    user = dated.dated(_pool([15, 35], [1, 1], [2, 2])).user_stack.tolist()
    assert [_named(dated, modules, each, 8) for each in user] == [["first.exe"], ["second.exe"]]
    assert dated.dated(_pool([35], [1], [2], process=12)).user_stack.tolist() == [2]


def test_a_key_whose_frames_come_later_is_dated_once_they_are_there() -> None:
    modules, source = _modules(*REPLACED), stack_table(STACKS)
    arrays = source.arrays
    arrays.starts[3], arrays.targets[3], arrays.lengths[3] = -1, -1, 0
    arrays.used[0] = 4
    dated = DatedStacks(source, modules)
    ids = dated.dated(_pool([15, 35], [3, 3])).stack
    assert dated.canonical(ids).tolist() == [-1, -1]
    arrays.targets[3] = 0
    before, after = dated.canonical(ids).tolist()
    assert before == 0
    assert _named(dated, modules, after)[1] == "b.sys"


def test_places_tell_images_at_one_address_apart_and_lead_back_to_them() -> None:
    modules = _modules(*REPLACED)
    dated = DatedStacks(stack_table(STACKS), modules)
    ids = dated.dated(_pool([15, 35, 36], [0, 0, 1])).stack
    addresses, bounds = dated.all_frames(ids)
    table = modules.frames(addresses, bounds, dated.since(ids))
    places = table.place.tolist()
    assert places[1] != places[3]
    assert [taken_apart(place)[0] for place in places] == addresses.tolist()
    assert [found.name if (found := modules.find(place)) else "" for place in places[1::2]] == [
        "a.sys", "b.sys", "ntoskrnl.exe",
    ]  # fmt: skip
    assert places[4:] == addresses.tolist()[4:]


def test_what_was_never_replaced_lies_as_it_does_since_always() -> None:
    dated = DatedStacks(stack_table(STACKS), _modules(*REPLACED[:2]))
    assert dated.since(np.array([0, 1], np.int32)).tolist() == [ALWAYS, ALWAYS]
