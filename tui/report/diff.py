"""What changed between traces, as lines of text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.comparison.changes import Change, Comparison, Difference
from analyzers.comparison.populations import By
from analyzers.formatting import counted, duration, size
from tui.findings.markdown import escaped
from tui.findings.words import percent
from tui.report.styles import HEADING, QUIET, WARNING, heading
from tui.safe_text import safe

_HEADINGS: Final = {
    By.TAG: "Tags",
    By.DRIVER: "Drivers",
    By.SITE: "Call sites",
    By.PROCESS: "Processes",
    By.VERDICT: "Verdicts",
}
_FRAMES: Final = 3
"""Frames of a call site that tell it from others: the pool's code, the I/O manager's or a driver's, and its caller."""
_NO_NAME: Final = "unknown"
_LOST: Final = "events were lost: a free that is missing looks like memory that is kept"
_STEADY: Final = "nothing changed beyond what two runs of one load differ by"


def what_words(difference: Difference) -> str:
    """What a difference is about, on one line."""
    key = [part.strip() for part in difference.key]
    match difference.by:
        case By.TAG:
            return f"{key[0]} ({key[1]})"
        case By.SITE:
            frames = key[2 : 2 + _FRAMES] or ["no stack"]
            return f"{key[0]} ({key[1]}): {' < '.join(frames)}"
        case By.VERDICT:
            return f"{key[0]}: {key[1] or _NO_NAME}"
        case _:
            return key[0] or _NO_NAME


def change_word(difference: Difference) -> str:
    """What became of it."""
    return "less" if difference.less else str(difference.change)


def changed(found: Comparison, by: By) -> list[Difference]:
    """The differences of a kind that are none of chance."""
    return [each for each in found.differences if each.by is by and (each.change is not Change.STEADY or each.less)]


def diff_lines(found: Comparison, *, top: int) -> list[Text]:
    """The traces, then every kind of group with what changed of it."""
    lines = [heading("CHANGED" if found.changed else "NO CHANGE"), Text()]
    lines += [
        Text(
            f"  {number}. {safe(each.path)}: {duration(each.duration_ns)}, {counted(each.allocations, 'allocation')}"
            + ("" if each.complete else f"; {_LOST}"),
            "" if each.complete else WARNING,
        )
        for number, each in enumerate(found.traces, 1)
    ]
    if not found.changed:
        return [*lines, Text(), Text(f"  {_STEADY[0].upper()}{_STEADY[1:]}.")]
    for by in By:
        every = changed(found, by)
        if every:
            lines += [Text(), heading(_HEADINGS[by])]
            lines += [line for each in every[:top] for line in _lines(each)]
            if len(every) > top:
                lines.append(Text(f"  and {len(every) - top:,} more (--top shows more)", QUIET))
    return lines


def _lines(difference: Difference) -> list[Text]:
    hourly = difference.per_hour.bytes
    more = "more" if hourly >= 0 else "less"
    return [
        Text.assemble(
            f"  {change_word(difference):<6}",
            (safe(what_words(difference)), HEADING),
            f"  {percent(difference.confidence)} sure",
        ),
        Text(f"        {amounts(difference)}; {size(abs(round(hourly)))} an hour {more}"),
    ]


def amounts(difference: Difference) -> str:
    """What is outstanding in each trace."""
    return " → ".join(f"{each.count:,} ({size(int(each.bytes))})" for each in difference.series)


def diff_markdown(found: Comparison, *, top: int) -> str:
    """The same, to be pasted into a bug tracker."""
    lines = [f"# {'Changed' if found.changed else 'No change'}", ""]
    lines += [
        f"{number}. {escaped(safe(each.path))}: {duration(each.duration_ns)}, "
        f"{counted(each.allocations, 'allocation')}{'' if each.complete else f'; {_LOST}'}"
        for number, each in enumerate(found.traces, 1)
    ]
    if not found.changed:
        lines += ["", f"{_STEADY[0].upper()}{_STEADY[1:]}."]
    for by in By:
        every = changed(found, by)
        if every:
            lines += ["", f"## {_HEADINGS[by]}", "", "| | | outstanding | an hour | sure |", "|---|---|---|---|---|"]
            lines += [_row(each) for each in every[:top]]
    return "\n".join(lines) + "\n"


def _row(difference: Difference) -> str:
    cells: Sequence[str] = (
        change_word(difference),
        escaped(safe(what_words(difference))),
        amounts(difference),
        f"{'+' if difference.per_hour.bytes >= 0 else '−'}{size(abs(round(difference.per_hour.bytes)))}",
        percent(difference.confidence),
    )
    return f"| {' | '.join(cells)} |"
