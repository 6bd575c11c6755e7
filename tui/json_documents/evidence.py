"""Which kinds of evidence a trace holds, in a document."""

from __future__ import annotations

from analyzers.verdicts.coverage import Coverage
from tui.json_documents.writing import Object


def evidence_part(coverage: Coverage | None) -> Object | None:
    """What there is, and what would record the rest; null where nothing was looked at."""
    if coverage is None:
        return None
    return {
        "pool": coverage.pool,
        "stacks": str(coverage.stacks_on),
        "context_switches": coverage.context_switches,
        "ready_threads": coverage.ready_threads,
        "irp": coverage.requests,
        "afd": coverage.sockets,
        "kernel_queues": coverage.queues,
        "images": coverage.images,
        "symbols": "none",  # none are loaded: frames are module and offset
        "judged": coverage.judged,
        "record": coverage.record,
    }
