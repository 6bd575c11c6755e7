"""What was there before the trace, as a column of its own where somebody asked for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzers.snapshot import Snapshot
from tests.tui.session import opened
from tracer.live.counters import PoolCounters
from tui.json_documents.analysis import analysis_document
from tui.tables.tags import tag_table


def with_baseline(snapshot: Snapshot) -> Snapshot:
    """Ten allocations, 12,345 bytes, of the first tag."""
    tags = snapshot.pool.tags
    ten = np.array([10], np.int64)
    counters = PoolCounters(tags.tag[:1], tags.paged[:1], ten, ten * 0, ten, np.array([12_345], np.int64))
    return replace(snapshot, baseline=counters)


def test_there_is_no_such_column_where_nobody_asked(snapshot: Snapshot) -> None:
    assert not tag_table(snapshot).has("before")


def test_bytes_before_stand_beside_those_of_the_trace(snapshot: Snapshot) -> None:
    column = tag_table(with_baseline(snapshot)).column("before")
    assert column.text(0) == "12.1 KiB"
    assert {column.text(row) for row in range(1, len(snapshot.pool.tags.tag))} == {"0 B"}


def test_growth_is_told_by_counters_alone(snapshot: Snapshot) -> None:
    assert not tag_table(with_baseline(snapshot)).has("growth")
    assert tag_table(replace(with_baseline(snapshot), counted=True)).column("growth").text(0) != ""


async def test_the_panel_says_it_in_words(snapshot: Snapshot) -> None:
    async with opened(with_baseline(snapshot), (200, 40), "tags") as it:
        assert "Before" in it.text
        await it.press("t")
        panels = []
        for _ in snapshot.pool.tags.tag:
            panels.append(it.panel)
            await it.press("down")
        assert any("before the trace: 10 allocations, 12.1 KiB (12,345 bytes)" in panel for panel in panels)
        assert any("before the trace: 0 allocations, 0 bytes" in panel for panel in panels)


def test_the_document_has_it_by_tag(snapshot: Snapshot) -> None:
    document = analysis_document(with_baseline(snapshot))
    pool = document["pool"]
    assert isinstance(pool, dict)
    rows = pool["by_tag"]
    assert isinstance(rows, list)
    assert sorted((row["before_count"], row["before_bytes"]) for row in rows)[-1] == (10, 12_345)
    assert "before_count" not in str(analysis_document(snapshot))
