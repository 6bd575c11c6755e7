"""The second writer's traces: what a reader of the file, who knows nothing of the script, can check."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from benchmarks.accuracy.scripted.conditions import draw
from benchmarks.accuracy.scripted.kinds import KINDS
from benchmarks.accuracy.scripted.lists import Lists
from benchmarks.accuracy.scripted.machine import NEVER
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.scripted.rundown import lay_down_lives
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.stage import Stage, new_stage
from benchmarks.accuracy.scripted.switches import placed
from benchmarks.accuracy.spoilings import WEAKENING, Spoiling
from fixtures.etl.records import Record
from tracer.events.irp import COMPLETE
from tracer.events.pool import ALLOC, ALLOC_SESSION, FREE, FREE_SESSION
from tracer.events.stack import STACK
from tracer.events.thread import CONTEXT_SWITCH, ThreadState, WaitReason

POOL = {ALLOC, ALLOC_SESSION, FREE, FREE_SESSION}
EVENTS = 600
PLAIN_STACKS = 12
"""A seed whose sessions write the frames themselves."""


def staged(kind: str, seed: int) -> tuple[Stage, list[Record], int]:
    """The stage, its records, and how many blocks leak."""
    stage = new_stage(f"test {kind} {seed}", EVENTS)
    guilt = KINDS[kind].play(stage)
    stage.background()
    lay_down_lives(stage.machine, stage.script)
    scribe = Scribe(stage.machine, 1_000_000, Spoiling.NONE)
    for event in placed(stage.script.in_order(), stage.machine):
        scribe.move_to(event.at, event.cpu, event.thread)
        event.action(scribe)
    leaked = [scribe.records[block.record] for each in guilt for block in each.blocks if block.record >= 0]
    live = outstanding(scribe.records, stage.conditions.pointer_size)
    assert {id(record) for record in leaked} <= {id(record) for record in live.values()}
    return stage, scribe.records, len(leaked)


def outstanding(records: list[Record], pointer_size: int) -> dict[int, Record]:
    """Allocations by address that no free follows. Fails where a live address is allocated again."""
    live: dict[int, Record] = {}
    form = "<IIQQ" if pointer_size == 8 else "<IIII"
    for record in records:
        if record.hook in POOL:
            address = struct.unpack_from(form, record.payload)[3]
            if record.hook in {ALLOC, ALLOC_SESSION}:
                assert address not in live
                live[address] = record
            else:
                live.pop(address, None)
    return live


def switches(records: list[Record]) -> Iterator[tuple[Record, int, int, int]]:
    for record in records:
        if record.hook == CONTEXT_SWITCH:
            new, old = struct.unpack_from("<II", record.payload)
            yield record, new, old, record.payload[14]


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_leaks_what_it_says_and_neither_goes_back_in_time_nor_allocates_a_live_address(kind: str) -> None:
    _, records, leaked = staged(kind, 3)
    assert (leaked > 0) is KINDS[kind].leaking
    assert sum(record.hook in POOL for record in records) > 50
    times = [record.time for record in records]
    assert times == sorted(times)


@pytest.mark.parametrize("kind", ["routine-local-server", "special-starved", "two-leaks", "port-healthy"])
def test_every_event_happens_on_a_cpu_that_its_thread_has(kind: str) -> None:
    stage, records, _ = staged(kind, 4)
    running = dict.fromkeys(range(stage.conditions.cpus), 0)
    for record in records:
        if record.hook == CONTEXT_SWITCH:
            new, old = struct.unpack_from("<II", record.payload)
            assert old == running[record.cpu]
            assert new == 0 or new not in running.values()
            running[record.cpu] = new
        elif record.hook in POOL:
            assert record.thread == running[record.cpu]


def test_a_starved_thread_stays_ready_and_does_not_run_while_its_requests_complete() -> None:
    stage, records, _ = staged("special-starved", 7)
    starved = {thread.id for thread in stage.machine.threads if thread.held_off != NEVER}
    assert starved
    last: dict[int, tuple[int, int]] = {}
    for record, _, old, state in switches(records):
        if old in starved:
            last[old] = (record.time, state)
    assert {state for _, state in last.values()} == {ThreadState.READY}
    assert sum(record.hook == COMPLETE and record.time > max(last.values())[0] for record in records) > 20


def test_a_suspended_thread_runs_for_its_plain_requests_and_is_suspended_again() -> None:
    stage, records, _ = staged("routine-suspended", 2)
    thread = next(thread for thread in stage.machine.threads if thread.suspended != NEVER)
    reasons = [record.payload[12] for record, _, old, _ in switches(records) if old == thread.id]
    assert reasons.count(WaitReason.SUSPENDED) > 20


def test_stacks_follow_their_event_and_name_its_time_and_thread() -> None:
    stage, records, _ = staged("growth", PLAIN_STACKS)
    assert not stage.conditions.keyed_stacks
    for before, after in pairwise(records):
        if before.hook in POOL:
            time, process, thread = struct.unpack_from("<QII", after.payload)
            assert after.hook == STACK
            assert (time, process, thread) == (before.time, before.process, before.thread)


def test_a_program_that_calls_into_winsock_is_on_the_stack_of_what_it_allocates() -> None:
    stage, records, _ = staged("routine-local-server", PLAIN_STACKS)
    modules = [stage.machine.user_modules[name] for name in ("ws2_32.dll", "mswsock.dll", "ntdll.dll")]
    form = "Q" if stage.conditions.pointer_size == 8 else "I"
    for record in records:
        if record.hook == STACK:
            frames = [frame for (frame,) in struct.iter_unpack(f"<{form}", record.payload[16:])]
            if all(any(image.base <= frame < image.base + image.size for frame in frames) for image in modules):
                return
    pytest.fail("no such stack")


def test_a_session_of_allocations_alone_has_their_stacks_and_nothing_of_requests() -> None:
    whole, truth = play("routine-local-server", 13, Spoiling.NONE, events=EVENTS)
    less, same = play("routine-local-server", 13, Spoiling.ALLOCATIONS_ONLY, events=EVENTS)
    assert len(less) < len(whole)
    assert same.leaks[0].count == truth.leaks[0].count
    assert truth.leaks[0].held
    assert not same.leaks[0].held
    assert len(same.leaks[0].unseen) == len(truth.leaks[0].held | truth.leaks[0].unseen)


def test_irps_go_home_and_a_cpu_that_lent_all_it_may_allocates_exactly() -> None:
    conditions = replace(draw(random.Random(1)), pointer_size=8, locations=(1, 4, 14), list_depth=2, list_filled=1.0)
    lists = Lists(replace(conditions, lent=1), random.Random(1))
    first = lists.take(0, 3, quota=True)
    second = lists.take(0, 3, quota=True)
    assert (first.from_before, second.rests, second.size) == (True, False, 0xD0 + 3 * 0x48)
    assert lists.put(first)
    assert not lists.put(second)
    assert lists.take(1, 3, quota=True).size == lists.take(0, 2, quota=False).size == 0xD0 + 4 * 0x48


@pytest.mark.parametrize("spoiling", list(Spoiling))
def test_the_same_arguments_give_the_same_bytes(spoiling: Spoiling) -> None:
    first = play("from-the-middle", 11, spoiling, events=EVENTS)
    assert first == play("from-the-middle", 11, spoiling, events=EVENTS)
    assert first != play("from-the-middle", 12, spoiling, events=EVENTS)


def test_a_session_without_a_kind_of_event_has_fewer_bytes_and_the_same_leak() -> None:
    whole, truth = play("error-path", 13, Spoiling.NONE, events=EVENTS)
    for spoiling in WEAKENING:
        less, same = play("error-path", 13, spoiling, events=EVENTS)
        assert len(less) < len(whole) or spoiling in {Spoiling.NO_READY, Spoiling.NO_SOCKETS}
        assert same == truth


def test_a_wrapped_file_shows_less_of_the_leak() -> None:
    _, whole = play("error-path", 14, Spoiling.NONE, events=8_000)
    _, wrapped = play("error-path", 14, Spoiling.WRAPPED, events=8_000)
    assert 0 < wrapped.leaks[0].count < whole.leaks[0].count
