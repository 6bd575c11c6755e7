"""Some of the blocks that a finding is about, one by one: what a kernel debugger can be asked for."""

from __future__ import annotations

from typing import Final

import numpy as np
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


def block_lines(finding: Finding, snapshot: Snapshot, top: int) -> list[Text]:
    """Address, tag, size, time, thread and process of its ``top`` oldest blocks; nothing where no block is known."""
    out, pool = snapshot.pool.outstanding, snapshot.pool
    if not len(finding.rows):
        return []
    rows = np.asarray(finding.rows)
    rows = rows[np.argsort(out.time_ns[rows], kind="stable")][:top]
    titles = _row(("Address", "Tag", "Bytes", "Allocated", "Thread", "Process"))
    lines = [heading("Blocks, oldest first"), Text(titles, LABEL)]
    for row in rows.tolist():
        mark = _INFERRED if out.who[row] == Who.CONTEXT_SWITCH else ""
        lines.append(
            Text(
                _row(
                    (
                        f"0x{int(out.address[row]):x}",
                        tag_text(int(pool.tags.tag[pool.sites.tag_row[out.site[row]]])),
                        number(int(out.size[row])),
                        moment(int(out.time_ns[row])),
                        mark + thread_label(int(out.thread[row])),
                        mark + process_label(snapshot, int(out.process[row]), int(out.time_ns[row])),
                    )
                )
            )
        )
    left = len(finding.rows) - len(rows)
    if left:
        lines.append(note(f"  and {counted(left, 'block')} more (--top shows more)"))
    return lines


def _row(cells: tuple[str, str, str, str, str, str]) -> str:
    address, tag, size, at, thread, process = cells
    return f"  {address:<18}  {tag:<4}  {size:>9}  {at:>14}  {thread:>7}  {process}"
