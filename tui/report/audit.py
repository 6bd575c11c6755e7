"""The text of ``poolscope analyze --audit``: where everything went, and whether it adds up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from rich.text import Text

from analyzers.audit import LEFT_SAYS, Audit, Equation
from analyzers.formatting import counted, number
from analyzers.snapshot import Snapshot
from tui.incompleteness import interrupted_words
from tui.report.styles import QUIET, WARNING, heading, labelled, note, warning
from tui.report.trace import machine_lines, missing_lines, path_lines, simulated_lines
from tui.report.wrapping import wrapped
from tui.safe_text import safe

FAULT: Final = "this is a fault of Poolscope, not of the trace: please report it, with the trace if you may"
_LABEL: Final = 17


def audit_report(snapshot: Snapshot, audit: Audit, *, width: int) -> list[Text]:
    """The whole report, as wide as ``width`` cells."""
    info = snapshot.info
    head = simulated_lines(info) + path_lines(info) + machine_lines(info)
    head += missing_lines(info, snapshot.loss, snapshot.damage, interrupted=interrupted_words(snapshot))
    lines = [*wrapped(head, width), Text(), *_equation_lines(audit, width)]
    for part in (_record_lines(audit), _left_lines(audit), _version_lines(audit), _skipped_lines(audit)):
        lines += [Text(), *wrapped(part, width)] if part else []
    return lines


def _equation_lines(audit: Audit, width: int) -> list[Text]:
    """Each equation with its numbers; at last how many hold."""
    lines = [heading("Equations"), *map(_equation, audit.equations)]
    wrong = sum(not each.holds for each in audit.equations)
    every = len(audit.equations)
    if wrong:
        lines.append(warning(f"{wrong} of {every} equations {'does' if wrong == 1 else 'do'} not hold: {FAULT}"))
    else:
        lines.append(note(f"  All {every} hold."))
    return wrapped(lines, width)


def _equation(equation: Equation) -> Text:
    terms = " + ".join(f"{count:,} {name}" for name, count in equation.terms.items())
    line = labelled(equation.name, f"{equation.total:,} {equation.total_name} = {terms}: ", _LABEL)
    return line.append("holds") if equation.holds else line.append("DOES NOT HOLD", WARNING)


def _record_lines(audit: Audit) -> list[Text]:
    lines = [heading(f"Records: {audit.records:,}")]
    lines += _table([*audit.decoded.items(), ("stacks and their keys", audit.stacks)])
    if audit.short:
        ended = counted(audit.short, "record ends", "records end")
        lines.append(note(f"  {ended} before all fields do: what is missing was read as zero."))
    if audit.bare_stacks:
        have = counted(audit.bare_stacks, "stack has", "stacks have")
        lines.append(note(f"  {have} no frame."))
    return lines


def _left_lines(audit: Audit) -> list[Text]:
    """Each reason, and what it is said of."""
    if not audit.left:
        return []
    lines = [heading(f"Not decoded: {sum(each.records for each in audit.left):,}")]
    for why, found in groupby(audit.left, key=lambda each: each.why):
        rows = list(found)
        lines.append(Text(f"  {LEFT_SAYS[why]}: {sum(each.records for each in rows):,}"))
        lines += _table([(f"  {each.what}", each.records, safe(each.name)) for each in rows])
    return lines


def _version_lines(audit: Audit) -> list[Text]:
    """Records that were read by the layout of another version."""
    if not audit.versions:
        return []
    rows = [
        (f"{each.what} version {each.version}", each.records, f"{each.name}, as version {each.read_as}")
        for each in audit.versions
    ]
    return [heading("Read by the layout of another version"), *_table(rows)]


def _skipped_lines(audit: Audit) -> list[Text]:
    """Damage by its kind, with the bytes that could not be read."""
    if not audit.skipped:
        return []
    rows = [(str(each.code), each.bytes, f"bytes in {counted(each.places, 'place')}") for each in audit.skipped]
    return [heading("Damaged, and skipped"), *_table(rows)]


def _table(rows: Iterable[Sequence[str | int]]) -> list[Text]:
    """Rows of a name, a count and, where there are any, words."""
    made = [(str(row[0]), number(int(row[1])), str(row[2]) if len(row) > 2 else "") for row in rows]
    label = max((len(name) for name, _, _ in made), default=0)
    digits = max((len(count) for _, count, _ in made), default=0)
    return [
        Text.assemble(f"  {name:<{label}}  {count:>{digits}}", (f"  {words}".rstrip(), QUIET))
        for name, count, words in made
    ]
