"""The document of ``poolscope live --counters``."""

from __future__ import annotations

import numpy as np

from analyzers.counter_snapshot import before
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tracer.trace import filetime_text
from tui.json_documents.analysis import before_parts, tag_part
from tui.json_documents.writing import SCHEMA, Object


def counters_document(snapshot: Snapshot, filters: Query) -> Object:
    """Tags that fit, most growth first; ``totals`` are those of all tags."""
    tags, totals = snapshot.pool.tags, snapshot.pool.totals
    was, parts = before(snapshot), before_parts(snapshot)
    counts, sizes = tags.outstanding_count, tags.outstanding_bytes
    grown = (counts, sizes) if was is None else (counts - was.count, sizes - was.bytes)
    fit = filters.fit_tags(tags.tag.tolist())
    rows = [row for row in np.argsort(-grown[1], kind="stable").tolist() if fit[row]]
    return {
        "schema": SCHEMA,
        "partial": snapshot.partial,
        "start": filetime_text(snapshot.info.start),
        "duration_ns": snapshot.at_ns,
        "os_build": snapshot.info.os_build,
        "totals": {
            "outstanding_count": totals.outstanding_count,
            "outstanding_bytes": totals.outstanding_bytes,
            "growth_bytes": int(grown[1].sum()),
        },
        "by_tag": [
            tag_part(snapshot.pool, row)
            | parts[row]
            | {"growth_count": int(grown[0][row]), "growth_bytes": int(grown[1][row])}
            for row in rows
        ],
    }
