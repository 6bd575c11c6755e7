"""How the outstanding memory of a scene came to be, in steps of time, with what happened meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from rich.text import Text

from analyzers.formatting import counted, exact_size, moment, size
from analyzers.selection.select import select
from analyzers.snapshot import Snapshot
from tracer.arrays import I64
from tracer.data_classes import dataclass
from tui.findings.words import tag_name
from tui.incompleteness import gap_words
from tui.views.scene import Scene
from tui.widgets.chart import GONE, KEPT, ChartData, ChartMark

LOSS, MARK, FINDING = "!", "M", "F"
_SIGNS = {
    LOSS: f"{LOSS} events missing",
    MARK: f"{MARK} mark",
    FINDING: f"{FINDING}n finding n begins",
}


@dataclass(frozen=True, slots=True, eq=False)
class OutstandingHistory:
    """``data``: what is drawn. ``notes``: what each mark means, by step.

    ``whole_sites``: whether frees are in it. They are known by allocation site and not by process, thread or
    socket: a scope that is limited to one of these has only what is still outstanding, by the time it was made.
    """

    HEADINGS: ClassVar[tuple[str, ...]] = ("from_ns", "to_ns", "outstanding_bytes", "still_outstanding_bytes",
                                           "allocations", "frees")  # fmt: skip

    data: ChartData
    allocations: I64
    frees: I64
    at_ns: int
    notes: tuple[tuple[int, str], ...]
    whole_sites: bool

    @classmethod
    def of(cls, scene: Scene) -> OutstandingHistory:
        """The history of what the scene is limited to."""
        scope = replace(scene.scope, interval=None)
        snapshot = select(scene.whole, scope)
        pool, history = snapshot.pool, snapshot.pool.history
        used = history.used if len(pool.sites.tag_row) else 0
        kept = np.cumsum(_made(snapshot, used, history.step_ns))
        whole_sites = not scope.by_allocation
        if whole_sites:
            total = np.maximum(np.cumsum(history.bytes.sum(axis=0)[:used]), 0)
            allocations, frees = (
                each.sum(axis=0, dtype=np.int64)[:used] for each in (history.allocations, history.frees)
            )
        else:
            total, allocations, frees = kept, np.zeros(used, np.int64), np.zeros(used, np.int64)
        marked = list(_marks(scene, snapshot, used))
        marks = tuple(ChartMark(step, sign) for step, sign, _ in marked)
        data = ChartData(np.maximum(total, kept), kept, history.step_ns, marks, max(snapshot.at_ns, 1))
        notes = tuple((step, note) for step, _, note in marked)
        return cls(data, allocations, frees, max(snapshot.at_ns, 1), notes, whole_sites)

    def step_at(self, time_ns: int | None) -> int:
        """The step that a time falls into, the last one for ``None``."""
        last = max(len(self.data) - 1, 0)
        return last if time_ns is None else min(max(time_ns // self.data.step_ns, 0), last)

    def bounds(self, step: int) -> tuple[int, int]:
        """Beginning and end of a step."""
        begin = step * self.data.step_ns
        last = step == len(self.data) - 1
        return begin, max(begin + 1, self.at_ns) if last else begin + self.data.step_ns

    def legend(self) -> Text:
        """What is drawn, and the signs that are there."""
        parts = [f"{KEPT} still outstanding", f"{GONE} freed since"]
        if not self.whole_sites:
            parts = ["still outstanding, by when it was made; what was freed is known by tag and stack only"]
        there = {mark.sign[0] for mark in self.data.marks}
        return Text("   ".join([*parts, *(words for sign, words in _SIGNS.items() if sign in there)]))

    def words(self, step: int) -> Text:
        """A step in words."""
        begin, end = self.bounds(step)
        change = int(self.data.total[step]) - (int(self.data.total[step - 1]) if step else 0)
        text = Text.assemble(
            (f"{moment(begin)} to {moment(end)}", "bold"),
            f"  outstanding {exact_size(int(self.data.total[step]))}, {'+' if change >= 0 else ''}{size(change)}",
        )
        if self.whole_sites:
            made, freed = int(self.allocations[step]), int(self.frees[step])
            text.append(f"\n{counted(made, 'allocation')}, {counted(freed, 'free')}")
            text.append(f"; {size(int(self.data.kept[step]))} of it is still outstanding at the end")
        for at, note in self.notes:
            if at == step:
                text.append(f"\n{note}")
        return text

    def rows(self) -> Sequence[tuple[int, ...]]:
        """One row for each step, for an export."""
        columns = (self.data.total, self.data.kept, self.allocations, self.frees)
        return [(*self.bounds(step), *(int(column[step]) for column in columns)) for step in range(len(self.data))]


def _made(snapshot: Snapshot, used: int, step_ns: int) -> I64:
    """By step: bytes of the outstanding allocations that were made in it."""
    live = snapshot.pool.outstanding
    result = np.zeros(used, np.int64)
    if used:
        np.add.at(result, np.clip(live.time_ns // step_ns, 0, used - 1), live.size.astype(np.int64))
    return result


def _marks(scene: Scene, snapshot: Snapshot, used: int) -> Iterator[tuple[int, str, str]]:
    """Step, sign and meaning of what should be seen; the most important first."""
    step_ns = snapshot.pool.history.step_ns
    cpus: defaultdict[int, set[int]] = defaultdict(set)
    reasons: defaultdict[int, set[str]] = defaultdict(set)
    for gap in scene.whole.loss.gaps:
        first, last = (min(max(time // step_ns, 0), used - 1) for time in (gap.from_ns, gap.to_ns))
        for step in range(first, last + 1):
            cpus[step].add(gap.cpu)
            reasons[step].add(gap_words(gap))
    for step, on in cpus.items():
        known = ", ".join(str(cpu) for cpu in sorted(on) if cpu >= 0)
        where = f" on CPU {known}" if known else ""
        yield step, LOSS, f"{LOSS} events are missing{where}: {', '.join(sorted(reasons[step]))}"
    if scene.mark is not None:
        yield scene.mark.at_ns // step_ns, MARK, f"{MARK} your mark at {moment(scene.mark.at_ns)}"
    for finding in snapshot.diagnosis.findings:
        rows = finding.rows
        oldest = int(snapshot.pool.outstanding.time_ns[rows[0]]) // step_ns if len(rows) else None
        if oldest is not None:
            about = f"{FINDING}{finding.rank} the first memory of finding {finding.rank} ({tag_name(finding.tag)})"
            yield oldest, f"{FINDING}{finding.rank}", f"{about} that is still outstanding was made here"
