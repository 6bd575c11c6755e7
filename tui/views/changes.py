"""Changes: what is new, grown, gone or steady in the last of several traces, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Final

from rich.text import Text

from analyzers.comparison.changes import Amount, Comparison, Difference
from analyzers.comparison.lifetimes import tag_key
from analyzers.comparison.populations import By, Key, verdict_key
from analyzers.findings import Accused
from analyzers.formatting import counted, exact_size
from analyzers.selection.query import Query
from analyzers.selection.wording import WHOLE
from analyzers.snapshot import Snapshot
from tui.findings.words import percent
from tui.reading.compared import Compared
from tui.report.diff import (
    NOTHING_TO_TELL,
    STEADY,
    change_word,
    further_words,
    heading_words,
    is_changed,
    rate_words,
    trace_words,
    what_words,
)
from tui.report.styles import HEADING, QUIET, WARNING
from tui.safe_text import safe
from tui.tables.changes import KINDS, change_table, in_order
from tui.views.facts import fact
from tui.views.headed_table import HeadedTable
from tui.views.listing import Listing, Location
from tui.views.scene import Scene

_ROWS: Final = 6
"""So many are enough where there is much to say about one."""
_MOST_TRACES: Final = 4
"""Of a longer series the head names the first and the last."""
_WORDS: Final = ("new", "grown", "less", "gone", "steady")


def make() -> HeadedTable:
    """The view."""
    return HeadedTable(listing, head, "rank", descending=False)


def head(scene: Scene) -> Text:
    """What there is of each kind of change; then the traces, with what makes one doubt them."""
    compared = scene.compared
    if compared is None:
        return Text()
    found = compared.comparison
    words = Counter(change_word(each) for each in found.differences)
    counts = ", ".join(f"{words[word]:,} {word}" for word in _WORDS if words[word])
    lines = [Text.assemble((heading_words(found), WARNING if found.changed else HEADING), f": {counts}")]
    every = trace_words(compared)
    for place, (said, notes) in enumerate(every):
        if len(every) <= _MOST_TRACES or place in (0, len(every) - 1) or notes:
            lines.append(Text.assemble(said, (f"; {notes}" if notes else "", WARNING)))
        elif place == 1:
            lines.append(Text(f"and {len(every) - 2} between", QUIET))
    lines += [Text(words, WARNING) for words in further_words(compared)]
    return Text("\n").join(lines)


def listing(scene: Scene) -> Listing:
    """One row for each group of a kind that is in any of the traces: those that changed first."""
    compared = scene.compared
    found = Comparison((), ()) if compared is None else compared.comparison
    rows = in_order(found)
    return Listing(
        model=change_table(found, rows),
        identity=lambda row: _identity(rows[row]),
        describe=lambda row: Text() if compared is None else _words(rows[row], compared, scene.whole),
        step=lambda row: step_to(rows[row], found, scene.whole),
        copy=lambda row: what_words(rows[row]),
        empty=NOTHING_TO_TELL if compared is None or not found.judged else STEADY,
        needs=_ROWS,
    )


def _identity(difference: Difference) -> Hashable:
    return difference.by, difference.key


def _words(difference: Difference, compared: Compared, snapshot: Snapshot) -> Text:
    found, word = compared.comparison, change_word(difference)
    rate = rate_words(difference, found)
    numbered = enumerate(zip(found.traces, difference.series, strict=True), 1)
    lines = [
        Text.assemble((f"{word.upper()}: ", WARNING if is_changed(difference) else HEADING)).append(
            f"{KINDS[difference.by]} {safe(what_words(difference))}", HEADING
        ),
        fact("how sure", _sure_words(difference)),
        *([fact("before", _amount(difference.before)), fact("after", _amount(difference.after))]
          if len(found.traces) == 2
          else [fact(f"in {number}, {safe(trace.path)}", _amount(each)) for number, (trace, each) in numbered]),
        *([fact("growth", rate)] if rate else []),
    ]  # fmt: skip
    if difference.by is By.SITE:
        lines += [Text("Call stack", HEADING), *(Text(f"  {safe(name)}") for name in difference.key[2:])]
    step = step_to(difference, found, snapshot)
    lines.append(Text(_gone(difference) if step is None else f"Enter: {_LEADS[step.view]}", QUIET))
    return Text("\n").join(lines)


_LEADS: Final = {
    "stacks": "the stacks that allocate it in the last trace",
    "allocations": "its allocations in the last trace",
    "findings": "the finding in the last trace",
}
"""By view."""


def _gone(difference: Difference) -> str:
    return "" if difference.after.count else "the last trace has none of it"


def _amount(amount: Amount) -> str:
    return f"{counted(int(amount.count), 'allocation')}, {exact_size(int(amount.bytes))}" if amount.count else "none"


def _sure_words(difference: Difference) -> str:
    if not is_changed(difference):
        return "what is kept differs by no more than in two runs of one load"
    sure = f"{percent(difference.confidence)} sure"
    if difference.by is By.VERDICT:
        return f"{sure}, as the finding is"
    return f"{sure}; two runs of one load do not differ by so much"


def step_to(difference: Difference, found: Comparison, snapshot: Snapshot) -> Location | None:
    """What a difference is about in the last trace; ``None`` where that has none of it, or cannot name it."""
    key, label = difference.key, f"{KINDS[difference.by]} {what_words(difference)}"
    if not difference.after.count:
        return None
    match difference.by:
        case By.TAG:
            return Location("stacks", Query(tag=_tag(key, snapshot)), label)
        case By.SITE:
            return Location(
                "allocations", Query(tag=_tag(key[:2], snapshot), stacks=found.traces[-1].stacks[key]), label
            )
        case By.PROCESS:
            return Location("stacks", Query(processes=(f"{WHOLE}{key[0]}",)), label) if key[0] else None
        case By.DRIVER:
            accused = [each for each in snapshot.diagnosis.findings if each.accused is Accused.DRIVER]
            ranks = [each.rank for each in accused if each.driver == key[0]]
            return (
                Location("findings", Query(finding=ranks[0]), label)
                if ranks
                else Location("stacks", Query(driver=key[0]), label)
            )
        case By.VERDICT:
            ranks = [each.rank for each in snapshot.diagnosis.findings if verdict_key(each) == key]
            return Location("findings", Query(finding=ranks[0]), label)


def _tag(key: Key, snapshot: Snapshot) -> tuple[int, bool]:
    tags = snapshot.pool.tags
    row = next(row for row in range(len(tags.tag)) if tag_key(snapshot, row) == key)
    return int(tags.tag[row]), bool(tags.paged[row])
