"""The head of every report: that a trace is simulated, where it is from, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from rich.text import Text

from analyzers.drain import By
from analyzers.formatting import counted, duration, exact_size, moment, size
from analyzers.policy import LOSS
from analyzers.snapshot import Snapshot
from tracer.errors import Damage
from tracer.trace import ClockShift, Gap, InferredLoss, Loss, Standstill, TraceInfo, filetime_text
from tui.incompleteness import gap_words, inferred_words, lost_words, missing_words
from tui.machine_words import machine_words
from tui.report.styles import QUIET, WARNING, heading, labelled, note, warning
from tui.safe_text import safe

SIMULATED_NOTICE: Final = "SIMULATED TRACE: written by Poolscope's simulator, not recorded on any machine"
_SHOWN: Final = 5
"""Gaps and damaged places that a report lists one by one; --json has all of them."""


def simulated_lines(info: TraceInfo) -> list[Text]:
    """The first lines of a report about a simulated trace; none about a real one."""
    return [Text(SIMULATED_NOTICE, WARNING), Text()] if info.simulated else []


def origin_lines(info: TraceInfo) -> list[Text]:
    """Which trace it is, and where and when it was recorded."""
    return path_lines(info) + machine_lines(info)


def name_of(info: TraceInfo) -> str:
    """Which trace it is, on one line."""
    which = f", session {info.session_number} of {info.sessions}" if info.sessions > 1 else ""
    return f"{' + '.join(safe(path) for path in info.paths)}{which}"


def path_lines(info: TraceInfo) -> list[Text]:
    """Which trace it is."""
    which = f", session {info.session_number} of {info.sessions}" if info.sessions > 1 else ""
    return [heading(f"{safe(path)}{which}") for path in info.paths]


def machine_lines(info: TraceInfo) -> list[Text]:
    """Where and when the trace was recorded."""
    start, end = _instant(info.start) or "not known", _instant(info.end) or "not written"
    if end[:10] == start[:10] and end.endswith("UTC"):
        start, end = (start[:-4], end[11:]) if end != start else (start, "")
    span = f"{start} to {end}" if end else start
    lines = [
        *belonging_lines(info),
        labelled("session", safe(info.session) or "(no name)"),
        labelled("recorded", f"{span} ({duration(info.duration_ns)})"),
        labelled("machine", machine_words(info)),
    ]
    if info.continues:
        lines.append(labelled("continues", "another file of this session: what came before is there"))
    return lines + [_clock_line(shift) for shift in info.clock_shifts]


def drain_lines(snapshot: Snapshot) -> list[Text]:
    """That the trace ends with a drain; none where it does not."""
    return [labelled("drain", words)] if (words := drain_words(snapshot)) else []


def drain_words(snapshot: Snapshot) -> str:
    """Since when the trace's drain goes on, and how that is known; empty where it has none."""
    drain = None if snapshot.coverage is None else snapshot.coverage.drain
    if drain is None:
        return ""
    last = f"the last {duration(drain.length_ns)}: {counted(drain.frees, 'free')}"
    known = {
        By.RECORDED: "and allocations that do not count",
        By.SEEN: "and no allocations, which were not traced then (inferred)",
    }
    return f"{last}, {known[drain.by]}"


def _clock_line(shift: ClockShift) -> Text:
    way = "behind" if shift.behind_ns > 0 else "ahead of"
    says = (
        f"the clock of CPU {shift.cpu} is at least {duration(abs(shift.behind_ns))} {way} the others: by it,"
        f" {counted(shift.pairs, 'block was', 'blocks were')} freed before being allocated. Its times are corrected"
        " here (inferred)"
    )
    return Text.assemble("  ", (f"{'clocks':<12}", WARNING), "  ", says)


def belonging_lines(info: TraceInfo) -> list[Text]:
    """What was joined and why, which of a file's sessions this is, and whether more of the recording lies elsewhere."""
    lines = [
        labelled("joined", f"{safe(_name(each.path))}: {safe(each.why)}") for each in info.joined if each.why
    ]  # fmt: skip
    if lines:
        lines.append(note("  --separate keeps files apart."))
    if info.sessions > 1:
        here = f"session {info.session_number} of the {info.sessions} in this file, each with its own clock"
        lines.append(labelled("part", f"{here}; --session N shows one alone"))
    return lines


def rolled_lines(info: TraceInfo) -> list[Text]:
    """That the file is one part of a longer recording; none where nothing says so."""
    if info.rolled is None:
        return []
    rolled = info.rolled
    is_sure = "is" if rolled.beside else "may be"
    says = f"this {is_sure} one part of a recording that was rolled over to other files"
    lines = [warning(f"{says}: {'; '.join(safe(sign) for sign in rolled.signs)}")]
    others = ", ".join(safe(name) for name in rolled.beside[:_SHOWN]) + (", ..." if len(rolled.beside) > _SHOWN else "")
    give = f"give all of them at once ({others})" if others else "give all parts at once"
    return [*lines, Text(f"  What is allocated here may be freed in another part: {give}.")]


def _name(path: str) -> str:
    return PurePath(path.replace("\\", "/")).name


def _instant(filetime: int) -> str:
    """To the second; empty where it is not known."""
    text = filetime_text(filetime)
    return f"{text[:10]} {text[11:19]} UTC" if text else ""


def file_lines(info: TraceInfo) -> list[Text]:
    """How the file is built."""
    compressed = f", {info.compressed_buffers:,} of them compressed" if info.compressed_buffers else ""
    return [
        labelled("file", f"{exact_size(info.bytes)} in {counted(info.buffers, 'buffer')}{compressed}"),
        labelled("clock", f"{safe(info.clock)}, {info.clock_frequency:,} ticks a second"),
        labelled("mode", ", ".join(safe(word) for word in info.mode) or "(none)"),
    ]


def incomplete_lines(snapshot: Snapshot) -> list[Text]:
    """In a line that something is missing, and in one when nothing ran. :func:`missing_lines` tells what and where."""
    missing = missing_words(snapshot)
    lines = [warning(f"incomplete trace: {', '.join(missing)}")] if missing else []
    return lines + standstill_lines(snapshot.info, most=1)


def missing_lines(
    info: TraceInfo, loss: Loss, damage: Sequence[Damage], *, interrupted: str, most: int = _SHOWN
) -> list[Text]:
    """Everything that makes the rest of a report less than the whole truth; ``most`` gaps and damaged places each.

    ``interrupted``: how far reading came, empty where nothing interrupted it.
    """
    lines: list[Text] = []
    if interrupted:
        lines.append(warning(f"{interrupted}: everything below is about the part that was read"))
    if not info.finalised:
        lines.append(warning("the session was still running, or crashed, when this file was taken"))
    still = standstill_lines(info, most)
    return lines + rolled_lines(info) + still + loss_lines(loss, most) + damage_lines(damage, most)


def standstill_lines(info: TraceInfo, most: int) -> list[Text]:
    """When nothing ran."""
    return [_standstill_line(each) for each in info.standstills[:most]] + _more(len(info.standstills), most)


def _standstill_line(still: Standstill) -> Text:
    when = f"for {duration(still.to_ns - still.from_ns)}, from {moment(still.from_ns)} to {moment(still.to_ns)}"
    return warning(f"nothing ran {when}: the machine slept or was stopped; ages and rates count that time")


def loss_lines(loss: Loss, most: int = _SHOWN) -> list[Text]:
    """What the session lost, and when."""
    lines = []
    if loss.events_lost or loss.buffers_lost:
        lost = lost_words(loss.events_lost, loss.buffers_lost)
        lines.append(warning(f"the session lost {lost}: some of what looks outstanding may have been freed"))
    if loss.inferred is not None:
        lines.append(warning(f"{inferred_words(loss, loss.inferred)}: {_shown_by(loss.inferred)}"))
        lines += _gap_lines(loss.inferred.gaps, most)
    if loss.complete_from_ns:
        since = moment(loss.complete_from_ns)
        lines.append(warning(f"the file overwrote its beginning: it has all processors' events only from {since} on"))
        lines += _gap_lines(loss.overwritten, most)
    if loss.gaps:
        lines.append(warning(f"events are missing ({counted(len(loss.gaps), 'gap')} in time):"))
    return lines + _gap_lines(loss.gaps, most)


def _gap_lines(gaps: Sequence[Gap], most: int) -> list[Text]:
    """A line for each of the first gaps."""
    lines = []
    for gap in gaps[:most]:
        cpu = f"CPU {gap.cpu}" if gap.cpu >= 0 else "CPU not known"
        lines.append(Text(f"  {moment(gap.from_ns)} to {moment(gap.to_ns)}, {cpu}: {gap_words(gap)}{_in(gap.file)}"))
    return lines + _more(len(gaps), most)


def _shown_by(inferred: InferredLoss) -> str:
    """What shows that events are missing, where nothing in the trace says so."""
    signs = (
        (inferred.replaced, "block took", "blocks took", "the address of one that was not freed"),
        (inferred.unmatched, "free has", "frees have", "no allocation"),
    )
    clocks = (
        "; so few may also be clocks of processors that differ" if inferred.replaced < LOSS.fewest_by_clocks else ""
    )
    found = " and ".join(f"{counted(count, one, many)} {what}" for count, one, many, what in signs if count)
    return f"{found}; some of what looks outstanding may have been freed (inferred){clocks}"


def damage_lines(damage: Sequence[Damage], most: int = _SHOWN) -> list[Text]:
    """What could not be read."""
    if not damage:
        return []
    skipped = sum(place.bytes_skipped for place in damage)
    lines = [warning(f"{counted(len(damage), 'place')} could not be read, {size(skipped)} skipped:")]
    for place in damage[:most]:
        lines.append(Text(f"  at byte {place.offset:,}{_in(place.file)}: {safe(place.what)}"))
    return lines + _more(len(damage), most)


def byte_words(info: TraceInfo, offset: int) -> str:
    """Where an event's record, or its compressed buffer, lies."""
    path, at = info.place(offset)
    return f"byte {at:,} of {safe(_name(path)) if info.joined else 'the file'}"


def _in(file: str) -> str:
    """Which file, in a trace that has more than one."""
    return f" of {safe(file)}" if file else ""


def _more(total: int, shown: int) -> list[Text]:
    return [Text(f"  and {total - shown:,} more (--json has all)", QUIET)] if total > shown else []
