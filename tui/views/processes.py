"""Processes and threads: who holds the memory, and whose requests are held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rich.text import Text

from analyzers.formatting import counted, exact_size
from analyzers.processes import ProcessLife
from analyzers.snapshot import Snapshot
from tracer.columns import UNKNOWN_ID
from tui.tables.threads import HolderRows, Holders, holder_rows, holder_table
from tui.tables.words import life_label, thread_label
from tui.views.limits import interval_words
from tui.views.listing import Listing, Location
from tui.views.scene import Scene
from tui.views.tree_view import Folds, Tree, TreeView


def make() -> TreeView:
    """The view."""
    return TreeView(grow, "bytes")


def grow(scene: Scene) -> Callable[[Folds], Tree]:
    """Adds up once; processes open and close at no cost."""
    holders = Holders.of(scene.snapshot)
    return lambda folds: _tree(scene, holder_rows(holders, folds))


def _tree(scene: Scene, rows: HolderRows) -> Tree:
    def step(row: int) -> Location:
        process, thread = rows.who(row)
        if thread is None and scene.scope.process == process:
            thread = scene.scope.thread  # a step down keeps the limits of the step before
        return Location(
            "stacks",
            replace(scene.scope, process=process, thread=thread),
            _label(scene.snapshot, process, thread),
        )

    listing = Listing(
        model=holder_table(scene.snapshot, rows),
        identity=rows.branches.key,
        describe=lambda row: _words(scene, rows, row),
        empty=(scene.no_pool_events or "Nothing here is outstanding, so that nobody holds it.")
        + _also(interval_words(scene.snapshot.pool, scene.scope)),
        step=step,
        copy=lambda row: _label(scene.snapshot, *rows.who(row)),
    )
    return Tree(listing, rows.branches)


def _also(words: str) -> str:
    return f"\n{words}" if words else ""


def _label(snapshot: Snapshot, process: ProcessLife, thread: int | None) -> str:
    name = life_label(snapshot.names, process)
    return name if thread is None else f"{name} thread {thread_label(thread)}"


def _words(scene: Scene, rows: HolderRows, row: int) -> Text:
    process, thread = rows.who(row)
    holders, part = rows.holders, slice(int(rows.first[row]), int(rows.last[row]))
    count = int(holders.count[part].sum())
    inferred, unknown = int(holders.inferred[part].sum()), int(holders.unknown[part].sum())
    observed = count - inferred - unknown
    text = Text.assemble(
        (_label(scene.snapshot, process, thread), "bold"),
        f"\n{counted(count, 'allocation')} outstanding, {exact_size(int(holders.bytes[part].sum()))}\n",
    )
    lives = [each.life for each in scene.whole.names.lives(process.id)]
    if len(lives) > 1 and process in lives:
        text.append(f"process {lives.index(process) + 1} of {len(lives)} that had this id in turn\n")
    if thread is None and process.id != UNKNOWN_ID:
        text.append(f"{counted(part.stop - part.start, 'thread')}; right or + shows them, left or - hides them\n")
    for said, number in (
        ("whose process and thread an event names (observed)", observed),
        ("whose thread is inferred from the context switches of a CPU", inferred),
        ("whose thread is not known", unknown),
    ):
        if number:
            text.append(f"{counted(number, 'allocation')} {said}\n")
    requests = int(holders.requests[part].sum())
    if requests:
        text.append(f"{counted(requests, 'request')} held (inferred; view 6 says by what)\n")
    return text.append(interval_words(scene.snapshot.pool, scene.scope))
