"""Some of the blocks that a finding is about, one by one: what a kernel debugger can be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from analyzers.findings import Finding
from analyzers.formatting import counted, moment, number
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from tracer.columns import Who
from tui.report.styles import LABEL, heading, note
from tui.tables.words import process_label, thread_label

_INFERRED: Final = "~"
"""Before a process and thread that context switches tell, and no event names."""


_TITLES: Final = ("Address", "Tag", "Bytes", "Allocated", "Thread", "Process")
_RIGHT: Final = (2, 3, 4)
_GIVES_WAY: Final = (4, 2, 3, 1)
"""Columns that are left out where the width is short, the first of them first."""
_GAP: Final = 2


def block_lines(finding: Finding, snapshot: Snapshot, top: int, width: int) -> list[Text]:
    """Address, tag, size, time, thread and process of its ``top`` oldest blocks; nothing where no block is known."""
    out, pool = snapshot.pool.outstanding, snapshot.pool
    if not len(finding.rows):
        return []
    rows = np.asarray(finding.rows)
    rows = rows[np.argsort(out.time_ns[rows], kind="stable")][:top]
    table: list[Sequence[str]] = [_TITLES]
    for row in rows.tolist():
        mark = _INFERRED if out.who[row] == Who.CONTEXT_SWITCH else ""
        table.append(
            (
                f"0x{int(out.address[row]):x}",
                tag_text(int(pool.tags.tag[pool.sites.tag_row[out.site[row]]])),
                number(int(out.size[row])),
                moment(int(out.time_ns[row])),
                mark + thread_label(int(out.thread[row])),
                mark + process_label(snapshot, int(out.process[row]), int(out.time_ns[row])),
            )
        )
    titles, *lines = _fitted(table, width)
    told = [heading("Blocks, oldest first"), Text(titles, LABEL), *map(Text, lines)]
    left = len(finding.rows) - len(rows)
    if left:
        told.append(note(f"  and {counted(left, 'block')} more (--top shows more)"))
    return told


def _fitted(table: list[Sequence[str]], width: int) -> list[str]:
    """The rows in columns as wide as they must be; what is too long at the end is cut."""
    wide = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    shown = list(range(len(wide)))
    for column in _GIVES_WAY:
        if sum(wide[each] + _GAP for each in shown) <= width:
            break
        shown.remove(column)
    return [
        set_cell_size(text, width).rstrip() if cell_len(text) > width else text
        for text in (_line([row[each] for each in shown], shown, wide) for row in table)
    ]


def _line(cells: list[str], shown: list[int], wide: list[int]) -> str:
    padded = []
    for cell, column in zip(cells, shown, strict=True):
        room = " " * (wide[column] - cell_len(cell))
        padded.append(room + cell if column in _RIGHT else cell + room)
    return "".join(" " * _GAP + each for each in padded).rstrip()
