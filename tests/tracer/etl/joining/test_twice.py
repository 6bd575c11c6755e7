"""Copies of an event, which several sessions recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from analyzers.jit_warmup import no_events
from tracer.columns import NO_STACK, EventTable, Who
from tracer.etl.joining.twice import find_copies, signature, without_copies

APART = 100


def copies(events: Sequence[tuple[int, str]], recordings: Sequence[int] = (0, 1, 2)) -> list[int]:
    """Of events that are all alike, (time, file a to c): which each is a copy of."""
    time = np.array([at for at, _ in events], np.int64)
    file = np.array(["abc".index(name) for _, name in events], np.int64)
    of = np.empty(len(events), np.int64)
    name = np.zeros(len(events), np.uint64)
    find_copies(np.argsort(time, kind="stable"), name, time, file, np.array(recordings, np.int64)[file], APART, of)
    return of.tolist()


@pytest.mark.parametrize(
    ("events", "of"),
    [
        ([(0, "a"), (5, "b")], [-1, 0]),
        ([(0, "a"), (5, "b"), (9, "c")], [-1, 0, 0]),
        ([(0, "a"), (5, "b"), (20, "a"), (25, "b")], [-1, 0, -1, 2]),
        ([(0, "a"), (5, "b"), (25, "b")], [-1, 0, -1]),
        ([(0, "a"), (APART, "b")], [-1, 0]),
        ([(0, "a"), (APART + 1, "b")], [-1, -1]),
        ([(0, "a"), (5, "a")], [-1, -1]),
    ],
)
def test_a_copy_comes_from_another_file_at_once(events: list[tuple[int, str]], of: list[int]) -> None:
    assert copies(events) == of


def test_files_of_one_session_hold_copies_only_at_the_very_same_time() -> None:
    assert copies([(0, "a"), (0, "b"), (10, "a"), (11, "b")], recordings=(0, 0, 0)) == [-1, 0, -1, -1]


def pool(**fields: Sequence[int]) -> EventTable:
    """Pool events with these columns, all else zero."""
    empty, n = no_events("pool"), len(next(iter(fields.values())))
    common = {name: np.zeros(n, getattr(empty, name).dtype) for name in EventTable.COMMON}
    common |= {"stack": np.full(n, NO_STACK, np.int32), "user_stack": np.full(n, NO_STACK, np.int32)}
    own = {name: np.zeros(n, np.asarray(column).dtype) for name, column in empty.fields.items()}
    for name, values in fields.items():
        target = common if name in common else own
        target[name] = np.array(values, target[name].dtype)
    return EventTable(kind="pool", fields=own, **common)


@pytest.mark.parametrize("field", ["tag", "bytes", "entry", "type", "event", "cpu"])
def test_another_field_is_another_event(field: str) -> None:
    one, other = signature(pool(**{field: (7, 8)})).tolist()
    assert one != other


def test_a_table_that_has_a_field_more_of_zeros_is_of_the_same_events() -> None:
    table = pool(entry=(7,), tag=(9,))
    wider = replace(table, fields={**table.fields, "other": np.zeros(1, np.uint32)})
    assert signature(table).tolist() == signature(wider).tolist()


def test_an_event_gets_the_stack_that_its_copy_came_with() -> None:
    table = pool(entry=(7, 7, 8), stack=(NO_STACK, 3, NO_STACK), thread=(0, 44, 0), who=(0, Who.STACK, 0))
    kept = without_copies(table, np.array([False, True, False]), np.array([-1, 0, -1]))
    assert (kept.stack.tolist(), kept.thread.tolist()) == ([3, NO_STACK], [44, 0])
    assert np.asarray(kept.fields["entry"]).tolist() == [7, 8]
    assert table.stack.tolist() == [NO_STACK, 3, NO_STACK]
