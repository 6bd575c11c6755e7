"""Processes: start, end, rundown, and the two forms of a dead process that still has references.

Sources: the kernel's MOF classes, PerfView's parser; versions 3 (also of a dead process, as Windows 7 logs it), 4 and
5 are confirmed on real traces.
"""

from __future__ import annotations

from typing import Final

from tracer.events.layout import Layout, hooks, layout

START: Final = 0x0301
END: Final = 0x0302
RUNDOWN_START: Final = 0x0303
RUNDOWN_END: Final = 0x0304
DEFUNCT: Final = 0x0327


_LIFE = hooks("0301 0302 0303 0304")
_IDS = "u4 process; u4 parent; u4 session; i4 exit_status; "
_NAMES = "sid sid; astr image_name; "
_V4 = (
    f"ptr key; {_IDS} ptr directory_table_base; u4 flags; {_NAMES} wstr command_line; wstr package; wstr application; "
)

LAYOUTS: Final[tuple[Layout, ...]] = (
    # Version 0 stores the ids as wide as a pointer: columns of another width, hence of another name.
    layout("process", "process", _LIFE, 0, f"ptr process_pointer; ptr parent_pointer; {_NAMES}"),
    layout("process", "process", _LIFE, 1, f"ptr directory_table_base; {_IDS} {_NAMES}"),
    layout("process", "process", _LIFE, 2, f"ptr key; {_IDS} {_NAMES} wstr command_line"),
    layout(
        "process",
        "process",
        (*_LIFE, *hooks("0327")),
        3,
        f"ptr key; {_IDS} ptr directory_table_base; {_NAMES} wstr command_line",
    ),
    layout("process", "process", (*_LIFE, *hooks("0327")), 4, _V4),
    layout("process", "defunct process", hooks("0327"), 5, f"{_V4} u8 exit_time"),
    layout("process_terminate", "process terminated", hooks("030B"), 2, "u4 process"),
)
"""``key`` is the address of the process object; ``exit_time`` a FILETIME."""
