"""Merged traces carry the schemas of their manifest events; the reader uses them where no layout is declared."""

from __future__ import annotations

import uuid
from pathlib import Path

from tracer.etl.file import EtlFile

MERGED = "merged-win8-x64-compressed.etl"
KERNEL_FILE = uuid.UUID("edd08927-9cc4-4e65-b970-c2560fb5c289")
CREATE = "event:Microsoft-Windows-Kernel-File:Create/Info:12v1"


def test_a_merged_trace_names_its_providers_itself(samples: Path) -> None:
    with EtlFile.open(samples / MERGED) as trace:
        book = trace.carried_schemas()
    assert (len(book.schemas), book.refused) == (61, 0)
    assert book.provider_name(KERNEL_FILE) == "Microsoft-Windows-Kernel-File"


def test_events_without_a_declared_layout_are_decoded_by_the_schema_of_the_trace(samples: Path) -> None:
    with EtlFile.open(samples / MERGED) as trace:
        book = trace.carried_schemas()
        found = [batch.tables[CREATE] for batch in trace.batches({CREATE}, book) if CREATE in batch.tables]
        total = trace.census.providers[KERNEL_FILE]
        assert trace.damage == ()
    names = [table.blob("FileName").utf16(row) for table in found for row in range(len(table))]
    assert len(names) == total == 562
    assert all(name.startswith("\\Device\\") for name in names)


def test_reading_the_schemas_leaves_the_counts_of_the_trace_alone(samples: Path) -> None:
    with EtlFile.open(samples / MERGED) as trace:
        trace.scan()
        before = trace.census
        trace.carried_schemas()
        assert trace.census == before
