"""Tags: PoolMon's table."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from rich.text import Text
from textual.binding import Binding, BindingType

from analyzers.counter_snapshot import before
from analyzers.formatting import counted, duration, exact_size, number, size
from analyzers.pooltag import tag_hex, tag_text
from analyzers.snapshot import Snapshot
from tracer.arrays import I64
from tui.findings.words import tag_name
from tui.incompleteness import missing_words
from tui.report.recording import HOW_IN_SHORT, NO_POOL_EVENTS
from tui.safe_text import safe
from tui.tables.rates import Per
from tui.tables.sparkline import outstanding_course, sparkline
from tui.tables.tags import SnapshotPair, tag_table, unmatched_frees
from tui.tables.words import pool_word
from tui.views.limits import interval_words
from tui.views.listing import Listing, Location
from tui.views.scene import Scene, narrowed_to
from tui.views.table_view import TableView

_PANEL_CELLS = 28


class TagsView(TableView):
    """The tags, with rates per second or per minute."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "rate", "Rate", show=False, id="tags.rate", tooltip="Growth per second, or per minute"),
    ]

    def __init__(self) -> None:
        super().__init__(self._listed, "bytes")
        self._per = Per.SECOND
        self._scene: Scene | None = None

    def show(self, scene: Scene) -> None:
        """Put the scene's listing in place of the one before."""
        self._scene = scene
        super().show(scene)

    def forget(self) -> None:
        """Keep no scene either."""
        self._scene = None
        super().forget()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Rates are there where time goes on."""
        if action == "rate":
            return self.table.view.model.has("rate")
        return super().check_action(action, parameters)

    def action_rate(self) -> None:
        """Tell growth per minute instead of per second, or the other way round."""
        self._per = Per.MINUTE if self._per is Per.SECOND else Per.SECOND
        if self._scene is not None:
            self.show(self._scene)

    def _listed(self, scene: Scene) -> Listing:
        return listing(scene, self._per)


def make() -> TableView:
    """The view."""
    return TagsView()


def listing(scene: Scene, per: Per = Per.SECOND) -> Listing:
    """One row per tag, with its changes, and its growth ``per`` second or minute."""
    tags = scene.snapshot.pool.tags

    def name(row: int) -> tuple[int, bool]:
        return int(tags.tag[row]), bool(tags.paged[row])

    def step(row: int) -> Location | None:
        if scene.snapshot.counted:
            return None
        return Location("stacks", replace(scene.scope, tag=name(row)), tag_text(int(tags.tag[row])))

    return Listing(
        model=tag_table(
            scene.snapshot,
            _since(scene),
            with_course=not scene.snapshot.counted,
            rates=None if scene.scope else scene.rates,  # how much of a tag's growth is a process' is not known
            per=per,
        ),
        identity=name,
        describe=lambda row: _words(scene, row),
        step=step,
        copy=lambda row: tag_text(int(tags.tag[row])),
        empty=_no_rows(scene),
        keys=tags.tag.astype(np.int64) << 1 | tags.paged,
        totals=lambda rows: _totals(scene.snapshot, rows),
    )


def _since(scene: Scene) -> SnapshotPair | None:
    """Changes since the mark, else since the last refresh while a trace is followed."""
    if scene.mark is not None:
        last = None if scene.before is None else narrowed_to(scene.before, scene.scope)
        return SnapshotPair(
            narrowed_to(scene.mark, scene.scope), narrowed_to(scene.whole, scene.scope), of_mark=True, last=last
        )
    earlier = scene.earlier
    return None if earlier is None else SnapshotPair(earlier, scene.snapshot)


def _no_rows(scene: Scene) -> str:
    if scene.mark is not None and not scene.scope:
        return "No pool event since the mark."
    about = interval_words(scene.snapshot.pool, scene.scope)
    if scene.scope:
        return f"No tag has anything of this.{f' {about}' if about else ''}"
    if scene.is_followed:
        return scene.no_pool_events
    return f"{NO_POOL_EVENTS}\n\n{HOW_IN_SHORT}"


def _totals(snapshot: Snapshot, rows: I64) -> Text:
    tags = snapshot.pool.tags
    return Text(
        f"{counted(len(rows), 'tag')}: allocs {number(int(tags.allocations[rows].sum()))}"
        f"  frees {number(int(tags.frees[rows].sum()))}  outst {number(int(tags.outstanding_count[rows].sum()))}"
        f"  {size(int(tags.outstanding_bytes[rows].sum()))}"
    )


def _words(scene: Scene, row: int) -> Text:
    pool = scene.snapshot.pool
    tags, tag = pool.tags, int(pool.tags.tag[row])
    count, held = int(tags.outstanding_count[row]), int(tags.outstanding_bytes[row])
    each = f", {size(held // count)} each on average" if count else ""
    text = Text.assemble(
        (f"{tag_name(tag)} {pool_word(paged=bool(tags.paged[row]))}", "bold"),
        f" ({tag_hex(tag)})  {safe(tags.driver[row])}  {safe(tags.description[row])}\n",
        f"{number(count)} outstanding, {exact_size(held)}{each}; peak {exact_size(int(tags.peak_bytes[row]))}\n",
        f"{_ledger_words(scene, row)}\n",
        f"{_before_words(scene.snapshot, row)}{_course_words(scene, row)}\n",
    )
    return text.append(interval_words(pool, scene.scope))


def _ledger_words(scene: Scene, row: int) -> str:
    """Allocations and frees, and why they do not add up to what is outstanding where they do not."""
    tags = scene.snapshot.pool.tags
    made, freed = int(tags.allocations[row]), int(tags.frees[row])
    older = int(unmatched_frees(tags)[row])
    which = "unmatched" if missing_words(scene.whole) else "of them of older blocks"
    said = f"{number(made)} allocs, {number(freed)} frees" + (f", {number(older)} {which}" if older else "")
    if scene.mark is None or scene.scope:
        return said
    return f"since the mark: {said}; outstanding: made since and still there"


def _before_words(snapshot: Snapshot, row: int) -> str:
    """What was there when the events, or the counting, began; empty where nobody asked."""
    was = before(snapshot)
    if was is None:
        return ""
    count, held = int(was.count[row]), int(was.bytes[row])
    if not snapshot.counted:
        return f"before the trace: {counted(count, 'allocation')}, {exact_size(held)}\n"
    grown = int(snapshot.pool.tags.outstanding_bytes[row]) - held
    sign = "+" if grown > 0 else ""
    return f"when counting began: {number(count)}, {exact_size(held)}; since then {sign}{size(grown)}\n"


def _course_words(scene: Scene, row: int) -> str:
    """The bytes over time, on one line."""
    if scene.snapshot.counted:
        return "pool counters: no allocation is known by itself, nor who made it"
    course = outstanding_course(scene.snapshot.pool, row)
    if not len(course):
        return ""
    drawn = sparkline(course, _PANEL_CELLS)
    is_part = scene.scope.by_process or scene.scope.thread is not None or scene.scope.endpoint is not None
    whose = " (of all processes)" if is_part else ""
    return f"bytes over {duration(scene.snapshot.at_ns)}: |{drawn}| to {size(int(course[-1]))}{whose}"
