"""The document of ``poolscope diff``."""

from __future__ import annotations

from analyzers.comparison.changes import Amount, Comparison, Difference
from tui.json_documents.writing import SCHEMA, Object, Value, string
from tui.report.diff import what_words


def diff_document(found: Comparison) -> Object:
    """Every group of every kind: those that changed first."""
    traces: list[Value] = [
        {
            "path": string(each.path),
            "duration_ns": each.duration_ns,
            "allocations": each.allocations,
            "complete": each.complete,
        }
        for each in found.traces
    ]
    return {
        "schema": SCHEMA,
        "traces": traces,
        "changes": [_change(each) for each in found.differences],
        "verdict": "changed" if found.changed else "no-change",
    }


def _change(difference: Difference) -> Object:
    return {
        "by": str(difference.by),
        "what": string(what_words(difference)),
        "before": _amount(difference.before),
        "after": _amount(difference.after),
        "per_hour": _amount(difference.per_hour),
        "change": str(difference.change),
        "less": difference.less,
        "confidence": round(difference.confidence, 4),
        "series": [_amount(each) for each in difference.series],
    }


def _amount(amount: Amount) -> Object:
    return {"count": amount.count, "bytes": amount.bytes}
