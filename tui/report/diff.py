"""What changed between traces, as lines of text and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from rich.text import Text

from analyzers.comparison.changes import Change, Comparison, Difference
from analyzers.comparison.populations import By
from analyzers.formatting import counted, duration, size
from analyzers.modules import KERNEL, KERNEL_NAME
from tui.findings.markdown import escaped
from tui.findings.rates import rate_over
from tui.findings.words import percent
from tui.reading.compared import Compared
from tui.report.recording import HOW_IN_SHORT
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
"""Frames of a call site that tell it from others."""
_IN_MODULE: Final = re.compile(r"[+!]")
"""Behind the module of a frame's text."""
_KERNEL_NAMES: Final = {KERNEL_NAME, "hal"}
"""What debuggers call the kernel's images."""
_NAMED: Final = 3
"""So many images are named where more have other builds."""
_NO_NAME: Final = "unknown"
STEADY: Final = "Nothing changed beyond what two runs of one load differ by."
NOTHING_TO_TELL: Final = "Without pool events in both the first and the last trace nothing can be compared."


def what_words(difference: Difference) -> str:
    """What a difference is about, on one line."""
    key = [part.strip() for part in difference.key]
    match difference.by:
        case By.TAG:
            return f"{key[0]} ({key[1]})"
        case By.SITE:
            return f"{key[0]} ({key[1]}): {' < '.join(_telling(key[2:])) or 'no stack'}"
        case By.VERDICT:
            return f"{key[0]}: {key[1] or _NO_NAME}"
        case _:
            return key[0] or _NO_NAME


def _telling(frames: Sequence[str]) -> Sequence[str]:
    """The first outside of the kernel, whose pool and I/O manager are in every stack, and its callers."""
    modules = [_IN_MODULE.split(frame)[0] for frame in frames]
    first = next((at for at, name in enumerate(modules) if not KERNEL.match(name) and name not in _KERNEL_NAMES), 0)
    return frames[first : first + _FRAMES]


def change_word(difference: Difference) -> str:
    """What became of it."""
    return "less" if difference.less else str(difference.change)


def is_changed(difference: Difference) -> bool:
    """Whether it is none of chance."""
    return difference.change is not Change.STEADY or difference.less


def changed(found: Comparison, by: By) -> list[Difference]:
    """The differences of a kind that are none of chance."""
    return [each for each in found.differences if each.by is by and is_changed(each)]


def verdict_word(found: Comparison) -> str:
    """What there is to say of all of them."""
    if not found.judged:
        return "cannot tell"
    return "changed" if found.changed else "no change"


def heading_words(found: Comparison) -> str:
    """The same as a heading; of a series, what was held against what."""
    several = f" (trace {len(found.traces)} against 1)" if len(found.traces) > 2 else ""
    return verdict_word(found).upper() + several


def rate_unit(found: Comparison) -> tuple[str, Callable[[int], str]] | None:
    """How growth is told, by the shorter of first and last trace; ``None``: these are too short for a rate."""
    return rate_over(min(found.traces[0].duration_ns, found.traces[-1].duration_ns))


def trace_words(compared: Compared) -> list[tuple[str, str]]:
    """Each trace on a line of its own, and what to know of it."""
    traces = zip(compared.comparison.traces, compared.notes, strict=True)
    return [
        (
            f"{number}. {safe(each.path)}: {duration(each.duration_ns)}, {counted(each.allocations, 'allocation')}",
            safe("; ".join(notes)),
        )
        for number, (each, notes) in enumerate(traces, 1)
    ]


def further_words(compared: Compared) -> list[str]:
    """What was asked for and left out, and how call sites were compared."""
    said = [f"Limited to {safe(str(compared.filters))}"] if compared.filters else []
    said += [f"left out: {safe(path)}: {safe(error.what)}" for path, error in compared.unread]
    images = sorted(frozenset().union(*(each.unnamed for each in compared.comparison.traces)))
    if images:
        listed = ", ".join(images[:_NAMED]) + (f" and {len(images) - _NAMED} more" if len(images) > _NAMED else "")
        said.append(
            f"other builds of {safe(listed)}, without names of functions: call sites there are compared by driver only"
            " (--symbols PATH names them)"
        )
    return said


def diff_lines(compared: Compared, *, top: int) -> list[Text]:
    """The traces, then every kind of group with what changed of it."""
    found = compared.comparison
    lines = [heading(heading_words(found)), Text()]
    for words, notes in trace_words(compared):
        lines += [Text(f"  {words}"), *([Text(f"     {notes}", WARNING)] if notes else [])]
    lines += [Text(f"  {words}", WARNING) for words in further_words(compared)]
    if not found.judged:
        return [*lines, Text(), Text(f"  {NOTHING_TO_TELL}"), *(Text(f"  {line}") for line in _how_to_record())]
    if not found.changed:
        return [*lines, Text(), Text(f"  {STEADY}")]
    for by in By:
        every = changed(found, by)
        if every:
            lines += [Text(), heading(_HEADINGS[by])]
            lines += [line for each in every[:top] for line in _lines(each, found)]
            if len(every) > top:
                lines.append(Text(f"  and {len(every) - top:,} more (--top shows more)", QUIET))
    return [*lines, Text(), Text("'poolscope tui AFTER --before BEFORE' leads from each to its stacks", QUIET)]


def _how_to_record() -> Sequence[str]:
    return HOW_IN_SHORT.splitlines()[:-2]


def _lines(difference: Difference, found: Comparison) -> list[Text]:
    rate = rate_words(difference, found)
    return [
        Text.assemble(
            f"  {change_word(difference):<6}",
            (safe(what_words(difference)), HEADING),
            f"  {percent(difference.confidence)} sure",
        ),
        Text(f"        {amounts(difference)}{f'; {rate}' if rate else ''}"),
    ]


def rate_words(difference: Difference, found: Comparison) -> str:
    """How much faster what is kept grows, or slower; empty where that is chance, or the traces are too short."""
    unit, hourly = rate_unit(found), round(difference.per_hour.bytes)
    if unit is None or not hourly or not is_changed(difference):
        return ""
    name, show = unit
    return f"{show(abs(hourly))} {name} {'more' if hourly > 0 else 'less'}"


def amounts(difference: Difference) -> str:
    """What is outstanding in each trace."""
    return " → ".join(f"{each.count:,} ({size(int(each.bytes))})" for each in difference.series)


def diff_markdown(compared: Compared, *, top: int) -> str:
    """The same, to be pasted into a bug tracker."""
    found = compared.comparison
    lines = [f"# {heading_words(found).capitalize()}", ""]
    lines += [escaped(f"{words}; {notes}" if notes else words) for words, notes in trace_words(compared)]
    if further := further_words(compared):
        lines += ["", *(f"- {escaped(words)}" for words in further)]
    if not found.judged or not found.changed:
        lines += ["", STEADY if found.judged else NOTHING_TO_TELL]
    unit = rate_unit(found)
    titles = ["", "", "outstanding", *([unit[0]] if unit else []), "sure"]
    for by in By:
        every = changed(found, by)
        if every:
            lines += ["", f"## {_HEADINGS[by]}", "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
            lines += [_row(each, unit) for each in every[:top]]
            if len(every) > top:
                lines += ["", f"and {len(every) - top:,} more (--top shows more)"]
    return "\n".join(lines) + "\n"


def _row(difference: Difference, unit: tuple[str, Callable[[int], str]] | None) -> str:
    hourly = round(difference.per_hour.bytes)
    cells: Sequence[str] = (
        change_word(difference),
        escaped(safe(what_words(difference))),
        amounts(difference),
        *([f"{'−' if hourly < 0 else '+'}{unit[1](abs(hourly))}"] if unit else []),
        percent(difference.confidence),
    )
    return f"| {' | '.join(cells)} |"
