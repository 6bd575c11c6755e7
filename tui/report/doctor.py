"""The text of ``poolscope doctor``."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from tui.doctor.checks import State
from tui.doctor.examining import Examination
from tui.report.styles import heading, note
from tui.report.wrapping import hanging, wrapped
from tui.safe_text import safe

_STYLES: Final = {State.OK: "green", State.NOTE: "", State.LIMIT: "bold yellow", State.BAD: "bold red"}


def doctor_report(found: Examination, *, width: int) -> list[Text]:
    """Each check with its state and its fix, and the sum of it."""
    name = max(len(check.name) for check in found.checks)
    lines = [heading("What a capture needs on this machine"), Text()]
    for check in found.checks:
        said = Text.assemble("  ", (f"{check.state:<5}", _STYLES[check.state]), f"  {check.name:<{name}}  ")
        lines += hanging(said, safe(check.says), width)
        if check.fix:
            lines += hanging(Text(" " * (len(said) - 5) + "fix: "), safe(check.fix), width)
    return [*lines, Text(), *wrapped([_sum(found)], width)]


def _sum(found: Examination) -> Text:
    if found.can_capture:
        return note("Nothing seen here stands in the way of 'poolscope live' and 'poolscope record'.")
    return Text("A capture will not work here as it is; what is marked bad has to be mended first.", "bold")
