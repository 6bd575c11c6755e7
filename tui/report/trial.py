"""The text of ``poolscope doctor --trial``: a line a point, and what to do with the file."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from tui.doctor.verdicts import State, Verdict
from tui.report.styles import heading
from tui.report.wrapping import hanging, wrapped
from tui.safe_text import safe

_STYLES: Final = {
    State.GRANTED: "green",
    State.REFUSED: "bold red",
    State.UNMET: "bold yellow",
    State.NOT_TOLD: "",
    State.SKIPPED: "",
}


def trial_report(found: tuple[Verdict, ...], took: str, file: str, *, width: int) -> list[Text]:
    """Each verdict, and where to send them."""
    name = max(len(each.point) for each in found)
    lines = [heading(f"What Windows granted: {took}"), Text()]
    for each in found:
        label = Text.assemble("  ", (f"{each.state:<8}", _STYLES[each.state]), f"  {each.point:<{name}}  ")
        lines += hanging(label, safe(each.says), width)
    send = Text(
        f"The report is in {safe(file)}. It names no user, no computer, no file and no address; look through it, and"
        " attach it to an issue of the project, granted or not: every answer is one that nobody had before."
    )
    return [*lines, Text(), *wrapped([send], width)]
