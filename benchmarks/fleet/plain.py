"""A fleet's rows without a fleet: what any number of workers has to give."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from analyzers.fleet.rows import FindingRow, Place, TraceRow, failed_row, rows_of
from analyzers.tags import TagNames
from tracer.errors import InputError
from tui.reading.trace import read_telling_session


def plain_loop(paths: Iterable[Path]) -> tuple[list[TraceRow], list[FindingRow]]:
    """The rows of traces that are read one after the other, in this process; each is deleted when it has been."""
    names = TagNames.load(None)
    traces: list[TraceRow] = []
    findings: list[FindingRow] = []
    for path in paths:
        data = path.read_bytes()
        place = Place(hashlib.blake2b(data, digest_size=32).hexdigest(), len(data), str(path), str(path.parent))
        try:
            row, found = rows_of(read_telling_session(path, names, quiet=True)[0], place)
        except InputError as error:
            row, found = failed_row(error, place), []
        traces.append(row)
        findings += found
        path.unlink()
    return traces, findings
