"""What a fleet's traces say together, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from analyzers.findings import Verdict
from analyzers.fleet.answer import FleetAnswer, Occurrence
from analyzers.fleet.rows import TraceRow
from analyzers.fleet.separating import Separation
from analyzers.formatting import agreeing, counted, size
from tui.findings.words import percent
from tui.report.styles import HEADING, QUIET, WARNING, heading
from tui.report.wrapping import hanging, wrapped
from tui.safe_text import safe

_MOST_NAMED: Final = 4
"""Builds, versions and failures that a sentence names one by one."""


def headline_words(found: FleetAnswer) -> str:
    """How much leaks where."""
    if not found.occurrences:
        return "No leak found" if found.judged else "Nothing can be said of leaks"
    leaks = counted(len(found.occurrences), "leak")
    return f"{leaks} on {found.leaking_machines:,} of {counted(found.machines, 'machine')}"


def notices(found: FleetAnswer) -> Iterator[str]:
    """What limits the answer."""
    if found.simulated:
        of = f"{counted(found.traces, 'trace')} {agreeing(found.simulated, 'is', 'are')}"
        yield f"{found.simulated:,} of {of} simulated, made by Poolscope itself"
    if failed := len(found.failed):
        yield f"{counted(failed, 'trace')} could not be read"
    if found.incomplete:
        yield f"{counted(found.incomplete, 'trace is', 'traces are')} damaged or lost events"
    if lacking := found.read - found.judged:
        yield f"{counted(lacking, 'trace lacks', 'traces lack')} what it takes to find leaks"
    if found.unnamed:
        yield (
            f"{counted(found.unnamed, 'trace does', 'traces do')} not name the machine: those of one folder are taken"
            " for one machine's (inferred)"
        )


def signature_words(each: Occurrence) -> str:
    """What leaks, and by whose code."""
    signature = each.signature
    who = signature.process or signature.driver or "unknown"
    at = f", {signature.site}" if signature.site else ""
    return f"{Verdict(signature.verdict).words}: {signature.tag.strip()}, {who}{at}"


def facts_of(each: Occurrence) -> Iterator[tuple[str, str]]:
    """Labels and sentences about a signature."""
    traces = f"{counted(each.machines, 'machine')} ({counted(each.traces, 'trace')})"
    yield "on", f"{traces}; {size(each.bytes)} in all, up to {percent(each.confidence)} sure"
    yield "builds", _named([str(build) for build in each.builds])
    yield "versions", _named([f"{version} on {machines:,}" for version, machines in each.versions])
    if each.first_seen:
        until = f", last {each.last_seen}" if each.last_seen != each.first_seen else ""
        yield "since", f"{each.first_seen}{until}"
    if each.separates is not None:
        yield "separates", separation_words(each.separates)


def separation_words(found: Separation) -> str:
    """Which version tells the machines that leak from the others, with its numbers."""
    low, high = found.interval
    also = ""
    if found.also:
        named = _named([f"{each.name} {each.version}" for each in found.also])
        also = f"; the same traces have, and nothing tells it from them: {named}"
    leak = agreeing(found.machines_with, "leaks", "leak")
    return (
        f"{found.driver} {found.version}: {found.with_leak:,} of {counted(found.machines_with, 'machine')} with it"
        f" {leak}, {found.without_leak:,} of {found.machines_without:,} without;"
        f" {found.difference:.0%} more (95 % interval {low:.0%} to {high:.0%},"
        f" chance {max(found.chance, 1e-9):.1g} of so much without a reason){also}"
    )


def error_words(row: TraceRow) -> str:
    """Why a trace could not be read."""
    return row.error_what + (f" ({row.error_why})" if row.error_why else "")


def fleet_lines(found: FleetAnswer, *, top: int, width: int) -> list[Text]:
    """The whole report."""
    builds = f"; builds {_named([str(each) for each in found.builds])}" if found.builds else ""
    lines = [heading(headline_words(found)), Text()]
    sums = f"  {counted(found.traces, 'trace')}, {found.read:,} read, of {counted(found.machines, 'machine')}{builds}"
    lines += wrapped([Text(sums), *(Text(f"  {each}", WARNING) for each in notices(found))], width)
    for number, each in enumerate(found.occurrences[:top], 1):
        lines += [Text(), *hanging(Text(f"{number:>3}. ", HEADING), safe(signature_words(each)), width)]
        for label, words in facts_of(each):
            if words:
                lines += hanging(Text(f"     {label:<9} ", QUIET), safe(words), width)
    lines += _more(len(found.occurrences), top)
    if found.worst:
        lines += [Text(), heading("The worst traces")]
        for row in found.worst[:top]:
            said = Text(f"  {size(row.leaked_bytes):>10}  ")
            lines += hanging(said, safe(f"{row.path}: {counted(row.findings, 'leak')}, {row.machine}"), width)
    if found.failed:
        lines += [Text(), heading("Not read")]
        for row in found.failed[:top]:
            lines += hanging(Text("  "), safe(f"{row.path}: {error_words(row)}"), width)
        lines += _more(len(found.failed), top)
    return lines


def _more(count: int, top: int) -> list[Text]:
    return [Text(f"  and {count - top:,} more (--top shows more)", QUIET)] if count > top else []


def _named(words: Sequence[str]) -> str:
    more = f" and {len(words) - _MOST_NAMED:,} more" if len(words) > _MOST_NAMED else ""
    return f"{', '.join(words[:_MOST_NAMED])}{more}"
