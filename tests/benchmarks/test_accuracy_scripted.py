"""The second writer's traces: what a reader of the file, who knows nothing of the script, can check."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from benchmarks.accuracy.scripted.kinds import KINDS
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.scripted.rundown import lay_down_lives
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.stage import Stage, new_stage
from benchmarks.accuracy.scripted.switches import placed
from benchmarks.accuracy.spoilings import Spoiling
from fixtures.etl.records import Record
from tracer.events.irp import CALL, COMPLETE
from tracer.events.pool import ALLOC, ALLOC_SESSION, FREE, FREE_SESSION
from tracer.events.stack import STACK
from tracer.events.thread import CONTEXT_SWITCH, ThreadState

POOL = {ALLOC, ALLOC_SESSION, FREE, FREE_SESSION}
EVENTS = 600


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
def test_a_trace_leaks_what_it_says_and_no_live_address_is_allocated_twice(kind: str) -> None:
    _, records, leaked = staged(kind, 3)
    assert (leaked > 0) is KINDS[kind].leaking
    assert sum(record.hook in POOL for record in records) > 50


@pytest.mark.parametrize("kind", ["apcs-pending-spinning", "apcs-pending-starved", "two-leaks", "completion-port"])
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


@pytest.mark.parametrize("kind", KINDS)
def test_time_never_goes_back(kind: str) -> None:
    _, records, _ = staged(kind, 5)
    times = [record.time for record in records]
    assert times == sorted(times)


def test_a_spinning_thread_is_only_ever_preempted() -> None:
    stage, records, _ = staged("apcs-pending-spinning", 6)
    spinner = next(thread for thread in stage.machine.threads if thread.spins)
    left = [state for _, _, old, state in switches(records) if old == spinner.id]
    assert set(left) <= {ThreadState.READY}
    assert any(new == spinner.id for _, new, _, _ in switches(records))


def test_a_starved_thread_stays_ready_and_never_runs_again_while_its_requests_complete() -> None:
    stage, records, _ = staged("apcs-pending-starved", 7)
    starved = {thread.id for thread in stage.machine.threads if thread.held_off >= 0}
    assert starved
    last: dict[int, tuple[int, int]] = {}
    for record, _, old, state in switches(records):
        if old in starved:
            last[old] = (record.time, state)
    assert {state for _, state in last.values()} == {ThreadState.READY}
    assert sum(record.hook == COMPLETE and record.time > max(last.values())[0] for record in records) > 20


def test_a_request_that_is_completed_twice_was_issued_twice() -> None:
    stage, records, _ = staged("apcs-delivered", 8)
    wide = stage.conditions.pointer_size == 8
    called: Counter[int] = Counter()
    for record in records:
        if record.hook == CALL:
            called[struct.unpack_from("<IIQQQI" if wide else "<IIIIII", record.payload)[4]] += 1
        if record.hook == COMPLETE:
            packet = struct.unpack_from("<QQI" if wide else "<III", record.payload)[1]
            called[packet] -= stage.conditions.layers
            assert called[packet] >= 0


def test_stacks_follow_their_event_and_name_its_time_and_thread() -> None:
    stage, records, _ = staged("growth", 12)
    assert not stage.conditions.keyed_stacks
    for before, after in pairwise(records):
        if before.hook in POOL:
            time, process, thread = struct.unpack_from("<QII", after.payload)
            assert after.hook == STACK
            assert (time, process, thread) == (before.time, before.process, before.thread)


@pytest.mark.parametrize("spoiling", list(Spoiling))
def test_the_same_arguments_give_the_same_bytes(spoiling: Spoiling) -> None:
    first = play("from-the-middle", 11, spoiling, events=EVENTS)
    assert first == play("from-the-middle", 11, spoiling, events=EVENTS)
    assert first != play("from-the-middle", 12, spoiling, events=EVENTS)


def test_a_session_without_a_kind_of_event_has_fewer_bytes_and_the_same_leak() -> None:
    whole, truth = play("apcs-pending-spinning", 13, Spoiling.NONE, events=EVENTS)
    for spoiling in (Spoiling.NO_STACKS, Spoiling.NO_REQUESTS):
        less, same = play("apcs-pending-spinning", 13, spoiling, events=EVENTS)
        assert len(less) < len(whole)
        assert same == truth


def test_a_wrapped_file_shows_less_of_the_leak() -> None:
    _, whole = play("error-path", 14, Spoiling.NONE, events=8_000)
    _, wrapped = play("error-path", 14, Spoiling.WRAPPED, events=8_000)
    assert 0 < wrapped.leaks[0].count < whole.leaks[0].count
