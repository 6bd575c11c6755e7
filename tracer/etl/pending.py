"""Events whose buffers were walked and whose time has not come: some other buffer may still hold earlier ones."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from tracer.arrays import Structured
from tracer.etl.headers import MAX_PROCESSORS
from tracer.etl.rows import (
    EVENT,
    LOOSE_STACK,
    MOST_WORDS,
    RUN,
    SLOT_DEFINITION,
    WALK_STATE,
    Stored,
    Waiting,
)
from tracer.jit import inlined, kernel
from tracer.search import last_at_most

_Row = TypeVar("_Row", bound=np.generic)

_FIRST_ROWS: Final = 1 << 12
_FIRST_WORDS: Final = 1 << 15
_FIRST_LOOSE: Final = 1 << 8


class Pending:
    """Rows of events with their payloads, one run of them for each buffer, and stacks that have no event yet.

    ``stored`` … ``state``: those of :class:`~tracer.etl.rows.Waiting`.
    """

    def __init__(self) -> None:
        self.stored = _room(_FIRST_ROWS, _FIRST_WORDS)
        self.loose: Structured = np.empty(_FIRST_LOOSE, LOOSE_STACK)
        self.runs: Structured = np.empty(_FIRST_LOOSE, RUN)
        self.tails = np.full(MAX_PROCESSORS, -1, np.int32)
        self.state = np.zeros(1, WALK_STATE)

    @property
    def arrays(self) -> Waiting:
        """For kernels."""
        return Waiting(self.stored, self.loose, self.runs, self.tails, self.state)

    @property
    def count(self) -> int:
        """Events that wait."""
        return int(self.state[0]["events"])

    @property
    def live_runs(self) -> Structured:
        """The runs in use."""
        return self.runs[: int(self.state[0]["runs"])]

    @property
    def bytes(self) -> int:
        """Bytes in use for them."""
        of_event = EVENT.itemsize + self.stored.times.itemsize + self.stored.slots.itemsize
        return int(self.state[0]["events"]) * of_event + int(self.state[0]["kept"]) * 8

    def reserve_runs(self, more: int) -> None:
        """Have room for so many more runs."""
        if int(self.state[0]["runs"]) + more > len(self.runs):
            self.runs = _grown(self.runs, 2 * len(self.runs) + more)

    def grow(self) -> None:
        """Twice the room for what is full."""
        events, times, slots, kept = self.stored
        if self.state[0]["events"] >= len(events):
            rows = 2 * len(events)
            events, times, slots = _grown(events, rows), _grown(times, rows), _grown(slots, rows)
        if self.state[0]["kept"] + MOST_WORDS > len(kept):
            kept = _grown(kept, 2 * len(kept))
        self.stored = Stored(events, times, slots, kept)
        # A record that has no room for its extended items needs more than one row of these.
        self.loose = _grown(self.loose, 2 * len(self.loose))

    def due_stacks(self, horizon: int, *, last: bool) -> Structured:
        """Take the loose stacks out whose event, or which themselves, were logged before ``horizon``; all at last."""
        waiting = self.loose[: int(self.state[0]["loose"])]
        due = np.full(len(waiting), last)
        due |= (waiting["event_time"] < horizon) | (waiting["logged"] < horizon)
        taken: Structured = waiting[due]
        rest = waiting[~due]
        self.loose[: len(rest)] = rest
        self.state[0]["loose"] = len(rest)
        return taken

    def compact(self) -> None:
        """Forget the events before the beginning of their run."""
        compact(self.arrays, self.stored)

    def leave(self, other: Stored | None) -> None:
        """The same, with what is left moved to others, where they are as large: the old ones are let go of."""
        events, kept = len(self.stored.events), len(self.stored.kept)
        if other is None or len(other.events) < events or len(other.kept) < kept:
            other = _room(events, kept)
        compact(self.arrays, other)
        self.stored = other


def _room(events: int, words: int) -> Stored:
    return Stored(
        np.empty(events, EVENT), np.empty(events, np.int64), np.empty(events, np.uint16), np.empty(words, np.uint64)
    )  # fmt: skip


def _grown(table: npt.NDArray[_Row], size: int) -> npt.NDArray[_Row]:
    grown = np.empty(size, table.dtype)
    grown[: len(table)] = table
    return grown


@inlined
def _remap(
    loose: Structured, count: np.int64, runs: Structured, n_runs: np.int64
) -> None:  # fmt: skip
    """Lead loose stacks to where the rows of their events are going to be; runs are in the order of their rows."""
    for i in range(count):
        row = np.int64(loose[i]["event"])
        if row >= 0:
            run = runs[last_at_most(runs["end"][:n_runs], row) + 1]
            loose[i]["event"] = row - np.int64(run["moved"])


@kernel
def compact(old: Waiting, new: Stored) -> None:
    """Move what is left of the runs to the front of ``new`` (the old ones or others) and of ``runs``."""
    stored, loose, runs, tails, states = old
    events, times, slots, kept = stored
    new_events, new_times, new_slots, new_kept = new
    state = states[0]
    n_runs = state["runs"]
    row = np.int64(0)
    for k in range(n_runs):
        tails[runs[k]["cpu"]] = -1
        runs[k]["moved"] = np.int64(runs[k]["first"]) - row
        row += np.int64(runs[k]["end"]) - np.int64(runs[k]["first"])
    _remap(loose, state["loose"], runs, n_runs)
    row = np.int64(0)
    word = np.int64(0)
    left = np.int64(0)
    for k in range(n_runs):
        first = np.int64(runs[k]["first"])
        end = np.int64(runs[k]["end"])
        if first == end:
            continue
        cpu = runs[k]["cpu"]
        runs[left]["first"] = row
        for i in range(first, end):
            new_events[row] = events[i]
            new_times[row] = times[i]
            new_slots[row] = slots[i]
            if new_events[row]["slot"] >= SLOT_DEFINITION:
                source = np.int64(new_events[row]["payload"]) >> 3
                new_events[row]["payload"] = word << 3
                for _ in range((np.int64(new_events[row]["size"]) + 7) >> 3):
                    new_kept[word] = kept[source]
                    word += 1
                    source += 1
            row += 1
        runs[left]["end"] = row
        runs[left]["cpu"] = cpu
        tails[cpu] = left
        left += 1
    state["events"] = row
    state["kept"] = word
    state["runs"] = left
